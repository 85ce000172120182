/* report/axis.c: see axis.h */
#include "report/axis.h"

#include <stdio.h>

const char *const axis_scales[] = {[AXIS_AUTO] = "auto", [AXIS_LINEAR] = "linear", [AXIS_LOG] = "log", NULL};

void axis_extent_add(struct axis_extent *extent, double value)
{
    if (!isfinite(value))
        return;
    extent->least = fmin(extent->least, value);
    extent->most = fmax(extent->most, value);
    if (value > 0)
        extent->least_positive = fmin(extent->least_positive, value);
}

/* The greatest of 1, 2, 5 times a power of ten that is not above value, and the least that is not below it. A hair is
 * forgiven, so that 0.1 is a power of ten. */
static double round_down(double value)
{
    double power = pow(10, floor(log10(value) + 1e-9)), times = value / power * (1 + 1e-9);
    return power * (times >= 5 ? 5 : times >= 2 ? 2 : 1);
}

static double round_up(double value)
{
    double power = pow(10, floor(log10(value) + 1e-9)), times = value / power * (1 - 1e-9);
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static struct axis fit_log(const struct axis_extent *extent, const struct axis_wish *wish)
{
    struct axis axis = {.scale = AXIS_LOG, .ticks = wish->ticks};
    axis.from = round_down(fmax(extent->least_positive, extent->most / AXIS_LOG_SPAN));
    axis.to = round_up(extent->most);
    if (axis.to <= axis.from)
        axis.to = 10 * axis.from;
    return axis;
}

static struct axis fit_linear(const struct axis_extent *extent, const struct axis_wish *wish)
{
    struct axis axis = {.scale = AXIS_LINEAR, .ticks = wish->ticks};
    double range = extent->most - extent->least;
    axis.from = extent->least < 0 ? extent->least : 0;
    axis.to = extent->most > axis.from ? extent->most + 0.04 * (extent->most - axis.from) : axis.from + 1;
    if (wish->start == AXIS_FROM_LEAST && range > 0 && extent->least > 2 * range) {
        axis.from = extent->least - 0.05 * range;
        axis.to = extent->most + 0.05 * range;
    }
    axis.step = fmax(round_up((axis.to - axis.from) / wish->ticks), wish->least_step);
    return axis;
}

struct axis axis_fit(const struct axis_extent *extent, const struct axis_wish *wish)
{
    bool has_log = isfinite(extent->least_positive);
    if (!(extent->least <= extent->most))
        return fit_linear(&(struct axis_extent){0, 1, 1}, wish);
    bool presses = wish->middle > 0 && extent->most > AXIS_LOG_RATIO * wish->middle;
    bool wants_log = wish->scale == AXIS_LOG || (wish->scale == AXIS_AUTO && presses);
    return has_log && wants_log ? fit_log(extent, wish) : fit_linear(extent, wish);
}

double axis_clamp(const struct axis *axis, double value)
{
    return axis->scale == AXIS_LOG ? fmax(value, axis->from) : value;
}

double axis_place(const struct axis *axis, double value)
{
    if (axis->scale == AXIS_LOG)
        return log(axis_clamp(axis, value) / axis->from) / log(axis->to / axis->from);
    return (value - axis->from) / (axis->to - axis->from);
}

/* Calls each tick of a logarithmic axis: mantissa 1 to 9, and whether there is room for its label. */
struct log_tick {
    int power, mantissa;
    double value;
    bool labelled;
};

static bool next_log_tick(const struct axis *axis, struct log_tick *tick)
{
    double decades = log10(axis->to / axis->from);
    int every = (int)ceil(decades / axis->ticks); // powers of ten with a label
    do {
        tick->mantissa = tick->mantissa % 9 + 1;
        tick->power += tick->mantissa == 1;
        tick->value = tick->mantissa * pow(10, tick->power);
    } while (tick->value < axis->from * (1 - 1e-9));
    bool roomy = decades <= 0.55 * axis->ticks; // from 1 to 2 it is 0.3 of a decade, and two labels want half a tick's room
    tick->labelled = tick->mantissa == 1 ? tick->power % every == 0 : roomy && (tick->mantissa == 2 || tick->mantissa == 5);
    return tick->value <= axis->to * (1 + 1e-9);
}

static struct log_tick first_log_tick(const struct axis *axis)
{
    return (struct log_tick){.power = (int)floor(log10(axis->from) + 1e-9) - 1, .mantissa = 9};
}

size_t axis_label_width(const struct axis *axis)
{
    char text[32];
    size_t widest = 1;
    if (axis->scale == AXIS_LOG) {
        for (struct log_tick tick = first_log_tick(axis); next_log_tick(axis, &tick);) {
            size_t len = (size_t)snprintf(text, sizeof text, "%.10g", tick.value);
            widest = tick.labelled && len > widest ? len : widest;
        }
        return widest;
    }
    for (double at = ceil(axis->from / axis->step); at * axis->step <= axis->to; at++) {
        size_t len = (size_t)snprintf(text, sizeof text, "%.10g", at * axis->step);
        widest = len > widest ? len : widest;
    }
    return widest;
}

void axis_write(const struct axis *axis, char which, const char *label, struct buf *out)
{
    buf_addf(out, "set %clabel '%s'\n", which, label);
    if (axis->scale == AXIS_LINEAR) {
        buf_addf(out, "unset logscale %c\nset %crange [%.10g:%.10g]\n", which, which, axis->from, axis->to);
        buf_addf(out, "set %ctics autofreq %.10g\n", which, axis->step);
        return;
    }
    // A hair more at both ends: of a tick that stands just there gnuplot's logarithm decides.
    buf_addf(out, "set logscale %c\nset %crange [%.10g:%.10g]\n", which, which, axis->from * (1 - 1e-9), axis->to * (1 + 1e-9));
    buf_addf(out, "set %ctics (", which);
    const char *between = "";
    for (struct log_tick tick = first_log_tick(axis); next_log_tick(axis, &tick); between = ", ")
        if (tick.labelled)
            buf_addf(out, "%s'%.10g' %.10g", between, tick.value, tick.value);
        else
            buf_addf(out, "%s'' %.10g 1", between, tick.value); // 1: a minor one
    buf_add_str(out, STR(")\n"));
}
