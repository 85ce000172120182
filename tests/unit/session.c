/* Sessions, and what turns hold of the answers before them (load/session.h, openai/blanks.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "load/session.h"
#include "openai/blanks.h"

struct fixture {
    struct jdoc *doc;
    struct sessions *sessions;
    struct buf text, blanks, out;
    struct err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->doc = jdoc_new();
    f->sessions = sessions_new(1 << 20);
    *state = f;
    return f->doc && f->sessions ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct buf *parts[] = {&f->text, &f->blanks, &f->out};
    for (size_t i = 0; i < COUNT(parts); i++)
        buf_release(parts[i]);
    sessions_free(f->sessions);
    jdoc_free(f->doc);
    free(f);
    return 0;
}

static struct str pad(struct fixture *f, const char *text)
{
    buf_clear(&f->text);
    assert_true(buf_reserve(&f->text, strlen(text) + JDOC_PADDING));
    buf_add_str(&f->text, str_of(text));
    return buf_str(&f->text);
}

/* What sessions_find says of a record with this "session"; its turn goes to *turn, if it has one. */
static int find(struct fixture *f, const char *session, struct turn **turn)
{
    char line[256];
    struct jval root;
    struct session_place place;
    snprintf(line, sizeof line, "{%s%s}", *session ? "\"session\":" : "", session);
    struct str text = pad(f, line);
    assert_int_equal(jdoc_parse(f->doc, text.ptr, text.len, &root, &f->err), 0);
    int found = sessions_find(f->sessions, root, &place, &f->err);
    if (found > 0 && turn)
        assert_non_null(*turn = sessions_add(f->sessions, &place, &f->err));
    return found;
}

static void turns_come_in_their_order_from_0_or_1_on(void **state)
{
    struct fixture *f = *state;
    struct turn *first, *second, *other;
    assert_int_equal(find(f, "", NULL), 0);
    assert_int_equal(find(f, "null", NULL), 0);
    assert_int_equal(find(f, "{\"id\":\"a\",\"turn\":0}", &first), 1);
    assert_int_equal(find(f, "{\"id\":\"b\",\"turn\":1,\"think_ns\":7}", &other), 1);
    assert_int_equal(find(f, "{\"id\":\"a\",\"turn\":2}", NULL), -1);
    assert_int_equal(find(f, "{\"id\":\"a\",\"turn\":0}", NULL), -1);
    assert_int_equal(find(f, "{\"id\":\"a\",\"turn\":1}", &second), 1);
    assert_int_equal(find(f, "{\"id\":\"c\",\"turn\":2}", NULL), -1);
    assert_null(first->former);
    assert_null(other->former);
    assert_int_equal(other->think_ns, 7);
    assert_ptr_equal(second->former, first);
    assert_ptr_equal(first->next, second);
}

static void what_is_no_session_is_refused(void **state)
{
    static const char *const wrong[] = {"1", "{}", "{\"id\":\"\",\"turn\":0}", "{\"id\":7,\"turn\":0}", "{\"id\":\"a\"}",
                                        "{\"id\":\"a\",\"turn\":-1}", "{\"id\":\"a\",\"turn\":0.5}",
                                        "{\"id\":\"a\",\"turn\":0,\"think_ns\":-1}",
                                        "{\"id\":\"a\",\"turn\":0,\"think_ns\":9223372036854775807}"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(find(*state, wrong[i], NULL), -1);
}

static void a_turn_waits_for_the_one_before(void **state)
{
    struct fixture *f = *state;
    struct turn *turns[3];
    struct job *waits = job_new(), *next;
    assert_int_equal(find(f, "{\"id\":\"a\",\"turn\":0}", &turns[0]), 1);
    assert_int_equal(find(f, "{\"id\":\"a\",\"turn\":1}", &turns[1]), 1);
    assert_int_equal(sessions_wait(f->sessions, turns[1], waits), TURN_OPEN);
    assert_int_equal(sessions_end(f->sessions, turns[0], TURN_ANSWERED, 5, STR("yes"), &next, &f->err), 0);
    assert_ptr_equal(next, waits);
    assert_int_equal(sessions_end(f->sessions, turns[1], TURN_FAILED, 9, STR(""), &next, &f->err), 0);
    assert_null(next);
    assert_int_equal(find(f, "{\"id\":\"a\",\"turn\":2}", &turns[2]), 1);
    assert_int_equal(sessions_wait(f->sessions, turns[2], waits), TURN_FAILED); // is over: the job stays ours
    job_free(waits);
}

/* The body, filled for a turn that has so many before it, answered "A0", "A\"1", ... */
static const char *fill(struct fixture *f, const char *id, int formers, const char *body)
{
    char session[64], answer[16];
    struct turn *turn;
    struct job *none;
    for (int i = 0; i <= formers; i++) {
        snprintf(session, sizeof session, "{\"id\":\"%s\",\"turn\":%d}", id, i);
        snprintf(answer, sizeof answer, "A\"%d", i);
        assert_int_equal(find(f, session, &turn), 1);
        if (i < formers)
            assert_int_equal(sessions_end(f->sessions, turn, TURN_ANSWERED, i, str_of(answer), &none, &f->err), 0);
    }
    struct str text = pad(f, body);
    buf_clear(&f->blanks);
    buf_clear(&f->out);
    if (blanks_find(f->doc, text, &f->blanks, &f->err) < 0 || session_check(turn, buf_str(&f->blanks), &f->err) < 0)
        return NULL;
    session_fill(turn, text, buf_str(&f->blanks), &f->out);
    buf_add_char(&f->out, '\0');
    assert_false(f->out.failed);
    return f->out.ptr;
}

#define BODY(messages) "{\"x\": 1, \"messages\": [" messages "] ,\"n\":2 }"
#define USER "{\"role\":\"user\",\"content\":\"q\"}"
#define OPEN "{\"role\":\"assistant\",\"content\":null}"
#define ANSWER(text) "{\"role\":\"assistant\",\"content\":" text "}"

static void each_blank_gets_the_answer_of_its_own_turn(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(fill(f, "a", 2, BODY(USER "," OPEN " , " USER "," OPEN "," USER)),
                        BODY(USER "," ANSWER("\"A\\\"0\"") " , " USER "," ANSWER("\"A\\\"1\"") "," USER));
    assert_string_equal(fill(f, "b", 3, BODY(OPEN "," USER)), BODY(ANSWER("\"A\\\"2\"") "," USER)); // only the latest is shown again
    assert_string_equal(fill(f, "c", 2, BODY(OPEN "," ANSWER("\"given\"") "," USER)),
                        BODY(ANSWER("\"A\\\"0\"") "," ANSWER("\"given\"") "," USER));
    assert_string_equal(fill(f, "d", 1, BODY(OPEN "," USER "," ANSWER("\"begin\""))),
                        BODY(ANSWER("\"A\\\"0\"") "," USER "," ANSWER("\"begin\"")));
}

static void what_is_no_blank_stays(void **state)
{
    static const char *const whole[] = {
        BODY(""),
        BODY(USER ", 7, null, [null]"),
        BODY("{\"role\":\"user\",\"content\":null}"),
        BODY("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"content\":null}]}"),
        BODY("{\"role\":\"assistant\"}"),
        BODY(ANSWER("[{\"role\":\"assistant\",\"content\":null}]")),
        "{\"prompt\":null}",
        "{\"messages\":null}",
        "{\"message\":{\"role\":\"assistant\",\"content\":null}}",
    };
    char id[8];
    for (size_t i = 0; i < COUNT(whole); i++) {
        snprintf(id, sizeof id, "%zu", i);
        assert_string_equal(fill(*state, id, 1, whole[i]), whole[i]);
    }
}

static void more_blanks_than_turns_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_null(fill(f, "a", 0, BODY(OPEN "," USER)));
    assert_null(fill(f, "b", 1, BODY(OPEN "," ANSWER("\"given\"") "," USER)));
    assert_string_equal(f->err.msg, "request.messages: answers left open: 2; turns of the session before this one: 1");
}

static void answers_are_kept_up_to_a_limit(void **state)
{
    struct fixture *f = *state;
    struct turn *turn;
    struct job *none;
    char session[64];
    sessions_free(f->sessions);
    f->sessions = sessions_new(10);
    const struct blank blank = {0, 1};
    const struct str blanks = {(const char *)&blank, sizeof blank};
    for (int turns = 0; turns < 2; turns++)
        for (char id = 'a'; id <= 'd'; id++) {
            snprintf(session, sizeof session, "{\"id\":\"%c\",\"turn\":%d}", id, turns);
            assert_int_equal(find(f, session, &turn), 1);
            if (turns == 0)
                assert_int_equal(sessions_end(f->sessions, turn, TURN_ANSWERED, 0, STR("four"), &none, &f->err), 0);
            else // the last two of them fit
                assert_int_equal(session_check(turn, blanks, &f->err), id < 'c' ? -1 : 0);
        }
    assert_int_equal(sessions_end(f->sessions, turn, TURN_ANSWERED, 0, STR("and far over ten"), &none, &f->err), 0);
    assert_int_equal(find(f, "{\"id\":\"d\",\"turn\":2}", &turn), 1);
    assert_int_equal(session_check(turn, blanks, &f->err), -1); // itself, where it was the last to end
    assert_int_equal(find(f, "{\"id\":\"c\",\"turn\":2}", &turn), 1);
    assert_int_equal(session_check(turn, blanks, &f->err), 0); // which had a turn under way
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(turns_come_in_their_order_from_0_or_1_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_session_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_turn_waits_for_the_one_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_blank_gets_the_answer_of_its_own_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_blank_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_are_kept_up_to_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_blanks_than_turns_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
