/* Times of day, both ways (base/clock.h). Numbers of seconds: date -u -d 2026-11-24T15:00:00Z +%s, and so on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/num.h"

static void a_time_of_day_is_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } times[] = {
        {"2026-11-24T15:00:00Z", 1795532400 * NS_PER_S},
        {"2026-11-24T15:00:00.5Z", 1795532400 * NS_PER_S + NS_PER_S / 2},
        {"2026-11-24T15:00:00.000000001Z", 1795532400 * NS_PER_S + 1},
        {"2028-02-29T23:59:59Z", 1835481599 * NS_PER_S},
        {"1970-01-01T00:00:00Z", 0},
        {"@0", 0},
        {"@1795532400", 1795532400 * NS_PER_S},
        {"@1795532400.25", 1795532400 * NS_PER_S + NS_PER_S / 4},
        {"2261-12-31T23:59:59Z", 9214646399 * NS_PER_S},
        {"@1795532400.2500000001", 1795532400 * NS_PER_S + NS_PER_S / 4},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        int64_t ns = -1;
        struct err err = {0};
        if (clock_parse_start(str_of(times[i].text), &ns, &err) < 0)
            fail_msg("%s", err.msg);
        assert_int_equal(ns, times[i].ns);
    }
}

static void what_is_written_is_read_back(void **state)
{
    char text[CLOCK_UTC_SIZE];
    int64_t back;
    struct err err;
    (void)state;
    for (int64_t ns = 1; ns < INT64_MAX / 4; ns = ns * 3 + 987654321) {
        clock_format_utc(text, ns, 9);
        assert_int_equal(clock_parse_start(str_of(text), &back, &err), 0);
        assert_int_equal(back, ns);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const wrong[] = {"", "Z", "@", "@-1", "@1.", "@1e9", "@9223372037", "now", "2026-11-24",
                                        "2026-11-24T15:00:00", "2026-11-24 15:00:00Z", "2026-11-24T15:00:00.Z",
                                        "2026-11-24T15:00:00+01:00", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-24T24:00:00Z",
                                        "2026-11-24T23:59:60Z", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "2026-11-24T15:00:00Zz"};
    struct err err;
    int64_t ns;
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (clock_parse_start(str_of(wrong[i]), &ns, &err) == 0)
            fail_msg("%s is taken for a time", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_of_day_is_read),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
