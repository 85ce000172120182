/* report/picture.c: see picture.h */
#include "report/picture.h"

#include "base/num.h"
#include "report/gnuplot.h"

#include <math.h>

#define PX_PER_MM (96 / 25.4)
#define PT_PER_PX 0.75
/* A character's mean width and a line's height, in font sizes: what a sans-serif font has. */
#define CHAR 0.58
#define LINE 1.45

const char *const picture_formats[] = {[PICTURE_SVG] = "svg", [PICTURE_PNG] = "png", [PICTURE_PDF] = "pdf", NULL};

/* Grey last: Okabe and Ito's yellow is lost on white. */
static const struct {
    const char *colour, *dash;
    int point, hollow;
} styles[PICTURE_RUNS] = {
    {"#0072B2", "solid", 7, 6},
    {"#D55E00", "(12,4)", 5, 4},
    {"#009E73", "(3,3)", 9, 8},
    {"#CC79A7", "(12,3,3,3)", 13, 12},
    {"#E69F00", "(20,4)", 11, 10},
    {"#000000", "(6,3)", 15, 14},
    {"#56B4E9", "(12,3,3,3,3,3)", 2, 2},
    {"#777777", "(20,3,3,3)", 1, 1},
};

const char *picture_colour(size_t run)
{
    return styles[run].colour;
}

double picture_small_font(const struct picture *picture)
{
    return 0.85 * picture->page->font * (picture->page->format == PICTURE_SVG ? 1 : PT_PER_PX);
}

int picture_page_parse(struct picture_page *page, const char *text, struct err *err)
{
    const char *by = strchr(text, 'x');
    int64_t width, height;
    if (strcmp(text, "screen") == 0)
        *page = (struct picture_page){.width = 800, .font = 13, .density = 2};
    else if (strcmp(text, "column") == 0)
        *page = (struct picture_page){.width = round(85 * PX_PER_MM), .font = 8 / PT_PER_PX, .density = 300.0 / 96};
    else if (strcmp(text, "full") == 0)
        *page = (struct picture_page){.width = round(170 * PX_PER_MM), .font = 8 / PT_PER_PX, .density = 300.0 / 96};
    else if (by && num_int((struct str){text, (size_t)(by - text)}, 200, 10000, &width, err) == 0 &&
             num_int(str_of(by + 1), 150, 10000, &height, err) == 0)
        *page = (struct picture_page){
            .width = (double)width, .height = (double)height, .font = fmin(fmax((double)width / 60, 10), 13), .density = 1};
    else
        return err_set(err, ERR_PARSE, "\"%.80s\" is none of screen, column, full, and no WIDTHxHEIGHT from 200x150 to 10000x10000",
                       text);
    return 0;
}

void picture_legend(struct picture *picture, struct str label, const char *how)
{
    size_t longest = (size_t)(picture->page->width / (CHAR * picture->page->font)) - 8, chars = 0, from = 0;
    for (size_t i = 0; i < label.len; i++)
        chars += ((unsigned char)label.ptr[i] & 0xc0) != 0x80;
    // Of a name that is too long its end is kept, where file names differ.
    size_t cut = chars > longest ? chars - longest : 0;
    for (; from < label.len && (cut > 0 || ((unsigned char)label.ptr[from] & 0xc0) == 0x80); from++)
        cut -= ((unsigned char)label.ptr[from] & 0xc0) != 0x80;
    struct buf text = {0};
    buf_add_str(&text, from > 0 ? STR("…") : STR(""));
    buf_add(&text, label.ptr + from, label.len - from);
    buf_addf(&picture->legend, ", \\\n    keyentry with %s title ", how);
    gnuplot_quote(&picture->legend, buf_str(&text));
    picture->legend.failed = picture->legend.failed || text.failed;
    buf_release(&text);
    picture->legend_count++;
    chars = chars < longest ? chars : longest;
    picture->legend_longest = chars > picture->legend_longest ? chars : picture->legend_longest;
}

static bool has_legend(const struct picture *picture)
{
    return picture->legend_count > 1;
}

/* As many as gnuplot itself would take: to its SVG a character is wider than to the font, and an entry's sample and what
 * is around it are 4.65 font sizes. Where it took fewer, the legend would run into the panels. */
static size_t legend_columns(const struct picture *picture)
{
    double entry = (0.7 * (double)picture->legend_longest + 4.65) * picture->page->font;
    double fits = floor(0.98 * picture->width / entry);
    return fits < 1 ? 1 : fits < (double)picture->legend_count ? (size_t)fits : picture->legend_count;
}

static size_t legend_rows(const struct picture *picture)
{
    size_t columns = legend_columns(picture);
    return has_legend(picture) ? (picture->legend_count + columns - 1) / columns : 0;
}

static double title_height(const struct picture *picture)
{
    return (picture->page->title ? 2.0 : 0.5) * picture->page->font;
}

void picture_layout(struct picture *picture, size_t panels, enum picture_flags flags)
{
    const struct picture_page *page = picture->page;
    double font = page->font;
    bool narrow = page->width < 45 * font;
    picture->flags = flags;
    picture->columns = (flags & PICTURE_STACKED) || narrow || panels < 2 ? 1 : 2;
    picture->rows = (panels + picture->columns - 1) / picture->columns;
    picture->width = page->width;
    picture->top = title_height(picture) + (LINE * (double)legend_rows(picture) + (has_legend(picture) ? 0.5 : 0)) * font;
    picture->bottom = (picture->note.len > 0 ? 2.0 : 0.5) * font;
    double panel = flags & PICTURE_SHARED_X ? (panels > 2 ? 9.5 : 15) * font : narrow || picture->rows > 1 ? 18 * font : 0.55 * page->width;
    double once = flags & PICTURE_SHARED_X ? 3 * font : 0;
    picture->height = page->height > 0 ? page->height : round(picture->top + picture->bottom + panel * (double)picture->rows + once);
    // On a screen one row of panels is 800 x 500 whatever is above and below it.
    if (page->height == 0 && picture->rows == 1 && !narrow && !(flags & PICTURE_SHARED_X))
        picture->height = round(0.625 * page->width);
    picture->bottom = picture->height - picture->bottom;
    picture->right = picture->width - 0.5 * font;
    picture->left = 0;
}

double picture_panel_width(const struct picture *picture)
{
    return picture->width / (double)picture->columns - 7 * picture->page->font;
}

/* A panel with what is around it. */
static double cell_height(const struct picture *picture)
{
    double shared = picture->flags & PICTURE_SHARED_X ? 3 * picture->page->font : 0;
    return (picture->bottom - picture->top - shared) / (double)picture->rows;
}

double picture_panel_height(const struct picture *picture)
{
    return cell_height(picture) - 4.1 * picture->page->font;
}

int picture_ticks_x(const struct picture *picture)
{
    double fits = picture_panel_width(picture) / (5.5 * picture->page->font);
    return fits < 2 ? 2 : fits > 8 ? 8 : (int)fits;
}

int picture_ticks_y(const struct picture *picture)
{
    // Panels below each other are low: labels may stand closer there.
    bool shared = picture->flags & PICTURE_SHARED_X;
    double fits = (cell_height(picture) / picture->page->font - (shared ? 2 : 4)) / (shared ? 1.7 : 2.2);
    return fits < 2 ? 2 : fits > 7 ? 7 : (int)fits;
}

void picture_panel(struct picture *picture, const struct axis *x, const char *x_label, const struct axis *y, const char *y_label)
{
    double font = picture->page->font, width = (picture->right - picture->left) / (double)picture->columns;
    double left = picture->left + width * (double)(picture->at % picture->columns), height = cell_height(picture);
    enum picture_format format = picture->page->format;
    double top = picture->top + height * (double)(picture->at / picture->columns), bottom = top + height;
    bool shared = picture->flags & PICTURE_SHARED_X, last = picture->at / picture->columns + 1 == picture->rows;
    size_t label = axis_label_width(y) < 4 ? 4 : axis_label_width(y); // 4: most panels then begin below each other
    double inner_left = left + (shared ? 7 : CHAR * (double)label + 3.6) * font, inner_right = left + width - 1.2 * font;
    double inner_top = top + (picture->flags & PICTURE_ROOM_ABOVE ? 1.8 : 0.7) * font;
    double inner_bottom = shared ? bottom : bottom - 3.4 * font;
    struct buf *out = &picture->panels;
    buf_addf(out, "\nset lmargin at screen %.5f; set rmargin at screen %.5f\n", inner_left / picture->width, inner_right / picture->width);
    buf_addf(out, "set tmargin at screen %.5f; set bmargin at screen %.5f\n", 1 - inner_top / picture->height,
             1 - inner_bottom / picture->height);
    axis_write(x, 'x', shared && !last ? "" : x_label, out);
    // Terminals differ in how high a line is that labels are moved away by.
    static const struct {
        double x, y;
    } off[] = {[PICTURE_SVG] = {0.5, 0.6}, [PICTURE_PNG] = {0, 0}, [PICTURE_PDF] = {0.3, 0.6}};
    buf_addf(out, "set xlabel offset 0,%g; set ylabel offset %g,0\n", off[format].x, off[format].y);
    buf_addf(out, "set format x '%s'\n", shared && !last ? "" : "%.10g");
    axis_write(y, 'y', y_label, out);
    picture->at++;
}

static void write_terminal(const struct picture *picture, struct buf *out)
{
    const struct picture_page *page = picture->page;
    double density = page->density;
    switch (page->format) {
    case PICTURE_SVG:
        buf_addf(out, "set terminal svg size %.0f,%.0f font 'sans-serif,%.4g' linewidth %.3g", picture->width, picture->height, page->font,
                 page->font / 13);
        break;
    case PICTURE_PNG: // its fonts are in points, and what is not a font is scaled by itself
        buf_addf(out, "set terminal pngcairo size %.0f,%.0f font 'sans-serif,%.4g' fontscale %.4g linewidth %.4g pointscale %.4g",
                 picture->width * density, picture->height * density, page->font * PT_PER_PX, density, density * page->font / 13, density);
        break;
    case PICTURE_PDF: // its fonts are laid out at 96 to an inch of 72 points
        buf_addf(out, "set terminal pdfcairo size %.4gin,%.4gin font 'sans-serif,%.4g' fontscale 0.75 linewidth %.3g", picture->width / 96,
                 picture->height / 96, page->font * PT_PER_PX, page->font / 13);
        break;
    }
    buf_add_str(out, STR(" background '#ffffff' noenhanced\nset encoding utf8\n"));
}

static void write_styles(const struct picture *picture, struct buf *out)
{
    for (int i = 0; i < PICTURE_RUNS; i++) {
        // Crosses have no area: of the size of the others they would be lost in their line.
        double point = (styles[i].point < 3 ? 0.9 : 0.5) * picture->page->font / 13;
        buf_addf(out, "set style line %d linecolor rgb '%s' linewidth 2 dashtype %s pointtype %d pointsize %.3g\n", i + 1,
                 styles[i].colour, styles[i].dash, styles[i].point, point);
        buf_addf(out, "set style line %d linecolor rgb '%s' linewidth 1.5 pointtype %d pointsize %.3g\n", i + 11, styles[i].colour,
                 styles[i].hollow, point);
    }
    buf_add_str(out, STR("set style line 20 linecolor rgb '#dddddd' linewidth 1\n"
                         "set style line 21 linecolor rgb '#bbbbbb' linewidth 4\n"
                         "set style line 22 linecolor rgb '#999999' linewidth 1 dashtype (3,3)\n"
                         "set style textbox opaque noborder fillcolor rgb '#ffffff' margins 0.2,0.1\n"));
}

/* A plot of nothing that is as large as the sheet holds what stands outside all panels. */
static void write_sheet(const struct picture *picture, struct buf *out)
{
    double font = picture->page->font;
    buf_add_str(out, STR("\nset lmargin at screen 0.01; set rmargin at screen 0.99\n"
                         "set tmargin at screen 0.99; set bmargin at screen 0.01\n"
                         "set xrange [0:1]; set yrange [0:1]\nunset border; unset tics; unset key\n"));
    if (picture->page->title) {
        buf_add_str(out, STR("set label 1 "));
        gnuplot_quote(out, str_of(picture->page->title));
        buf_addf(out, " at screen 0.5,%.5f center\n", 1 - font / picture->height);
    }
    if (picture->note.len > 0) {
        buf_add_str(out, STR("set label 2 "));
        gnuplot_quote(out, buf_str(&picture->note));
        buf_addf(out, " at screen %.5f,%.5f left textcolor rgb '#555555' font ',%.4g'\n", font / picture->width, font / picture->height,
                 picture_small_font(picture));
    }
    if (has_legend(picture))
        buf_addf(out, "set key at screen 0.5,%.5f center top horizontal Left reverse samplen 3.5 maxcols %zu\n",
                 1 - (title_height(picture) - 0.2 * font) / picture->height, legend_columns(picture));
    buf_addf(out, "plot NaN notitle%.*s\n", STR_ARG(has_legend(picture) ? buf_str(&picture->legend) : STR("")));
    buf_add_str(out, STR("unset key; unset label\n"
                         "set border 3 linecolor rgb '#555555' back\n"
                         "set xtics nomirror; set ytics nomirror\n"
                         "set tics scale 0.5 textcolor rgb '#222222'\n"
                         "set grid xtics ytics back linestyle 20\n"));
}

void picture_write(const struct picture *picture, struct buf *out)
{
    buf_addf(out, "# Made by lm-plot %s. It draws onto standard output: gnuplot THIS >FILE.%s\n", picture->name,
             picture_formats[picture->page->format]);
    write_terminal(picture, out);
    buf_add_str(out, buf_str(&picture->data));
    write_styles(picture, out);
    buf_add_str(out, STR("set multiplot\n"));
    write_sheet(picture, out);
    buf_add_str(out, buf_str(&picture->panels));
    buf_add_str(out, STR("unset multiplot\n"));
    out->failed = out->failed || picture->data.failed || picture->panels.failed || picture->legend.failed || picture->note.failed;
}

void picture_release(struct picture *picture)
{
    buf_release(&picture->data);
    buf_release(&picture->panels);
    buf_release(&picture->legend);
    buf_release(&picture->note);
}
