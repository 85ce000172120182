/* launch: children, their last lines, ports. What needs a server is in tests/cli/lm-wait.bats and lm-with.bats. */
#include "base/num.h"
#include "launch/child.h"
#include "launch/port.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct child *run(const char *script, const char *log)
{
    struct err err = {0};
    char *argv[] = {"sh", "-c", (char *)script, NULL};
    struct child *child = child_start(&(struct child_options){.argv = argv, .log = log, .grace_ns = 20 * NS_PER_S}, &err);
    if (!child)
        fail_msg("%s", err.msg);
    return child;
}

static struct child_end end_of(struct child *child)
{
    assert_int_equal(poll(&(struct pollfd){.fd = child_fd(child), .events = POLLIN}, 1, 20000), 1);
    return child_state(child);
}

/* What child_tail makes of the script's output. */
static void assert_tail(const char *script, size_t lines, const char *wanted)
{
    struct err err = {0};
    struct buf text = {0};
    struct child *child = run(script, NULL);
    end_of(child);
    assert_int_equal(child_tail(child, lines, &text, &err), 0);
    buf_add_char(&text, '\0');
    assert_string_equal(text.ptr, wanted);
    buf_release(&text);
    child_free(child);
}

static void tail_is_the_last_lines(void **state)
{
    (void)state;
    assert_tail("seq 9", 3, "7\n8\n9\n");
    assert_tail("seq 3", 3, "1\n2\n3\n");
    assert_tail("seq 2", 3, "1\n2\n");
    assert_tail("printf '1\\n2'", 1, "2\n");
    assert_tail("printf '1\\n\\n\\n'", 2, "\n\n");
    assert_tail("echo out; echo err >&2", 3, "out\nerr\n");
    assert_tail(":", 3, "");
}

static void tail_of_long_lines_is_cut(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf text = {0};
    struct child *child = run("head -c 100000 /dev/zero | tr '\\0' x; echo; echo last", NULL);
    end_of(child);
    assert_int_equal(child_tail(child, 40, &text, &err), 0);
    assert_int_equal(text.len, 64 << 10);
    assert_memory_equal(text.ptr + text.len - 7, "x\nlast\n", 7);
    buf_release(&text);
    child_free(child);
}

static void tail_of_a_pipe_is_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf text = {0};
    char path[64];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
    struct child *child = run("echo there", path);
    end_of(child);
    assert_int_equal(child_tail(child, 40, &text, &err), 0);
    assert_int_equal(text.len, 0);
    char got[6];
    assert_int_equal(read(ends[0], got, sizeof got), 6);
    assert_memory_equal(got, "there\n", 6);
    child_free(child);
    close(ends[0]);
    close(ends[1]);
}

static void ends_are_told_apart(void **state)
{
    (void)state;
    char said[CHILD_SAID_SIZE];
    struct child *child = run("exit 7", NULL);
    struct child_end end = end_of(child);
    assert_int_equal(end.state, CHILD_EXITED);
    assert_int_equal(end.number, 7);
    child_say(end, said);
    assert_string_equal(said, "ended with status 7");
    child_free(child);

    child = run("kill -HUP $$", NULL);
    child_say(end_of(child), said);
    assert_string_equal(said, "was killed by signal 1 (Hangup)");
    child_free(child);
}

static void stopping_waits_until_it_is_gone(void **state)
{
    (void)state;
    struct child *child = run("exec sleep 1000", NULL);
    struct child_end end = child_state(child);
    assert_int_equal(end.state, CHILD_RUNS);
    assert_int_equal(kill(end.number, 0), 0);
    pid_t pid = end.number;
    child_stop(child);
    assert_int_equal(kill(pid, 0), -1);
    end = child_state(child);
    assert_int_equal(end.state, CHILD_KILLED);
    assert_int_equal(end.number, SIGTERM);
    child_stop(child); // nothing more
    child_free(child);
    child_free(NULL);
}

static void two_live_side_by_side(void **state)
{
    (void)state;
    struct child *first = run("exec sleep 1000", NULL), *second = run("exec sleep 1000", NULL);
    child_stop(first);
    assert_int_equal(child_state(second).state, CHILD_RUNS);
    child_free(second);
    child_free(first);
}

static void the_port_goes_wherever_it_is_marked(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{port}", "80"}, {"--port={port}", "--port=80"}, {"{port}{port}", "8080"}, {"a{port}b{port}c", "a80b80c"},
        {"{por}", "{por}"}, {"", ""}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        char plain[] = "plain", text[32], *texts[] = {plain, text, NULL};
        snprintf(text, sizeof text, "%s", cases[i][0]);
        assert_int_equal(port_is_marked(texts), strstr(text, "{port}") != NULL);
        assert_int_equal(port_fill(texts, 80, &err), 0);
        assert_ptr_equal(texts[0], plain);
        assert_string_equal(texts[1], cases[i][1]);
        if (texts[1] != text)
            free(texts[1]);
    }
}

static void a_picked_port_is_one(void **state)
{
    (void)state;
    struct err err = {0};
    int port = port_pick(&err);
    assert_in_range(port, 1, 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tail_is_the_last_lines),
        cmocka_unit_test(tail_of_long_lines_is_cut),
        cmocka_unit_test(tail_of_a_pipe_is_nothing),
        cmocka_unit_test(ends_are_told_apart),
        cmocka_unit_test(stopping_waits_until_it_is_gone),
        cmocka_unit_test(two_live_side_by_side),
        cmocka_unit_test(the_port_goes_wherever_it_is_marked),
        cmocka_unit_test(a_picked_port_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
