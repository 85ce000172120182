/* Templates: what they say of a record, and what they refuse (text/template.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/template.h"

static const char record_text[] =
    "{\"id\":\"r\",\"meta\":{\"item\":\"i\"},\"n\":3,\"f\":0.5,\"t\":true,\"z\":null,\"s\":\"a\\\"b\\n\\u0000c\",\"e\":\"\","
    "\"list\":[\"x\",[7,8],{\"k\":\"v\"}],\"gold\":\"4\"}";

struct parsed {
    struct jdoc *doc;
    struct buf text; // with room behind it
    struct jval root;
};

static struct parsed parse(const char *text)
{
    struct parsed parsed = {.doc = jdoc_new()};
    struct err err;
    assert_non_null(parsed.doc);
    assert_true(buf_reserve(&parsed.text, strlen(text) + JDOC_PADDING));
    buf_add_str(&parsed.text, str_of(text));
    assert_int_equal(jdoc_parse(parsed.doc, parsed.text.ptr, parsed.text.len, &parsed.root, &err), 0);
    return parsed;
}

static void release(struct parsed *parsed)
{
    jdoc_free(parsed->doc);
    buf_release(&parsed->text);
}

static struct template *template_of(const char *text, enum template_form form)
{
    struct err err = {0};
    struct template *t = template_parse(str_of(text), form, &err);
    if (!t)
        fail_msg("%s", err.msg);
    return t;
}

static void assert_renders(struct template *t, const char *record, size_t shots, const char *want)
{
    struct parsed parsed = parse(record);
    struct buf out = {0};
    struct err err = {0};
    if (template_render(t, parsed.root, shots, &out, &err) < 0)
        fail_msg("%s", err.msg);
    buf_add_char(&out, '\0');
    assert_string_equal(out.ptr, want);
    buf_release(&out);
    release(&parsed);
}

static void assert_text(const char *text, const char *want)
{
    struct template *t = template_of(text, TEMPLATE_TEXT);
    assert_renders(t, record_text, 0, want);
    template_free(t);
}

static void members_become_text(void **state)
{
    (void)state;
    assert_text("{{s}}", "\"a\\\"b\\n\\u0000c\"");
    assert_text("{{n}} {{f}} {{t}}", "\"3 0.5 true\"");
    assert_text("<{{e}}>{{ n }}", "\"<>3\""); // blanks around a path are none of it
    assert_text("{{list.0}}{{list.1.1}}{{list.2.k}}", "\"x8v\"");
    assert_text("n={{list.1}}:{{list.2}}", "\"n=[7,8]:{\\\"k\\\":\\\"v\\\"}\"");
}

static void what_is_not_there_is_named(void **state)
{
    (void)state;
    static const char *const paths[] = {"nope", "meta.nope", "z", "s.x", "n.0", "list.3", "list.-1", "list.0x0", "list.1.2"};
    struct parsed parsed = parse(record_text);
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct buf text = {0}, out = {0};
        struct err err = {0};
        buf_addf(&text, "a {{%s}} b%c", paths[i], '\0');
        struct template *t = template_of(text.ptr, TEMPLATE_CHAT);
        assert_int_equal(template_render(t, parsed.root, 0, &out, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        assert_true(str_starts(str_of(err.msg), str_of(paths[i])));
        template_free(t);
        buf_release(&text);
        buf_release(&out);
    }
    release(&parsed);
}

static void parts_are_messages_in_their_order(void **state)
{
    (void)state;
    struct template *t =
        template_of("A comment, with {{anything} in it.\n[system]\n\nS1\n\n S2 \n\n[user]\r\nU {{n}}\r\n[assistant]\nA\n[user]\n{{n}}\n",
                    TEMPLATE_CHAT);
    for (int i = 0; i < 2; i++) // what was kept from the first time is the same
        assert_renders(t, record_text, 0,
                       "[{\"role\":\"system\",\"content\":\"S1\\n\\n S2 \"},{\"role\":\"user\",\"content\":\"U 3\"},"
                       "{\"role\":\"assistant\",\"content\":\"A\"},{\"role\":\"user\",\"content\":\"3\"}]");
    template_free(t);
}

static void braces_and_brackets_can_stand_for_themselves(void **state)
{
    (void)state;
    assert_text("\\{{n}} {n} } }} {", "\"{{n}} {n} } }} {\"");
    assert_text("[user]\n\\[user]\n[INST] x [/INST]\n[Two words]\n[a-b]", "\"[user]\\n[INST] x [/INST]\\n[Two words]\\n[a-b]\"");
}

static void system_can_be_replaced_or_taken_out(void **state)
{
    (void)state;
    struct err err;
    struct template *t = template_of("[system]\none\n[system]\ntwo\n[user]\nu", TEMPLATE_TEXT);
    assert_int_equal(template_set_system(t, STR("{{n}}"), &err), 0); // as it is
    assert_renders(t, record_text, 0, "\"{{n}}\\n\\nu\"");
    assert_int_equal(template_set_system(t, STR(""), &err), 0);
    assert_renders(t, record_text, 0, "\"u\"");
    assert_int_equal(template_set_system(t, STR("s"), &err), 0);
    assert_renders(t, record_text, 0, "\"s\\n\\nu\"");
    template_free(t);
}

static struct template *with_examples(enum template_form form)
{
    static const char *const examples[] = {"{\"id\":\"i\",\"n\":1,\"gold\":\"one\"}", "{\"id\":\"j\",\"n\":2,\"gold\":\"two\"}",
                                           "{\"id\":\"k\",\"n\":3,\"gold\":\"three\"}"};
    struct template *t = template_of("[system]\ns\n[user]\nQ {{n}}\n[assistant]\nA:\n[answer]\nA: {{gold}}", form);
    struct err err;
    for (size_t i = 0; i < COUNT(examples); i++) {
        struct parsed example = parse(examples[i]);
        assert_int_equal(template_add_example(t, example.root, &err), 0);
        release(&example);
    }
    assert_int_equal(template_examples(t), 3);
    return t;
}

static void examples_stand_in_front_but_never_the_record_itself(void **state)
{
    (void)state;
    struct template *t = with_examples(TEMPLATE_TEXT);
    assert_renders(t, "{\"id\":\"x\",\"n\":9}", 2, "\"s\\n\\nQ 1\\nA: one\\n\\nQ 2\\nA: two\\n\\nQ 9\\nA:\"");
    assert_renders(t, "{\"id\":\"j\",\"n\":2}", 2, "\"s\\n\\nQ 1\\nA: one\\n\\nQ 3\\nA: three\\n\\nQ 2\\nA:\"");
    assert_renders(t, "{\"id\":\"i#1\",\"meta\":{\"item\":\"i\"},\"n\":1}", 1, "\"s\\n\\nQ 2\\nA: two\\n\\nQ 1\\nA:\"");
    template_free(t);

    t = with_examples(TEMPLATE_CHAT);
    assert_renders(
        t, "{\"n\":9}", 1,
        "[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"Q 1\"},{\"role\":\"assistant\",\"content\":\"A: one\"},"
        "{\"role\":\"user\",\"content\":\"Q 9\"},{\"role\":\"assistant\",\"content\":\"A:\"}]");
    struct parsed self = parse("{\"id\":\"i\",\"n\":1}");
    struct buf out = {0};
    struct err err = {0};
    assert_int_equal(template_render(t, self.root, 3, &out, &err), -1); // only two are left for it
    assert_int_equal(err.kind, ERR_MISSING);
    buf_release(&out);
    release(&self);
    template_free(t);
}

static void an_example_needs_an_answer(void **state)
{
    (void)state;
    struct parsed example = parse("{\"id\":\"i\",\"n\":1}");
    struct err err = {0};
    struct template *t = template_of("{{n}}", TEMPLATE_CHAT);
    assert_int_equal(template_add_example(t, example.root, &err), -1);
    assert_non_null(strstr(err.msg, "[answer]"));
    template_free(t);
    t = template_of("[user]\n{{n}}\n[answer]\n{{gold}}", TEMPLATE_CHAT);
    assert_int_equal(template_add_example(t, example.root, &err), -1);
    assert_string_equal(err.msg, "gold: is missing");
    template_free(t);
    release(&example);
}

static void a_wrong_template_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line;
    } wrong[] = {
        {"", "1: "},
        {"\n\n", "1: "},
        {"a\n{{x", "2: "},
        {"{{}}", "1: "},
        {"{{a..b}}", "1: "},
        {"{{.a}}", "1: "},
        {"{{a.}}", "1: "},
        {"[user]\nx\n[usr]\n", "3: "},
        {"[system]\nx", "1: "},
        {"[user]\n[answer]\nx", "1: "},
        {"[user]\nx\n[system]\ny", "3: "},
        {"[user]\nx\n[answer]\na\n[answer]\nb", "5: "},
        {"[user]\nx\n[assistant]\n\n", "3: "},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct err err = {0};
        struct template *t = template_parse(str_of(wrong[i].text), TEMPLATE_CHAT, &err);
        if (t || err.kind != ERR_PARSE || !str_starts(str_of(err.msg), str_of(wrong[i].line)))
            fail_msg("\"%s\": %s", wrong[i].text, t ? "was taken" : err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_become_text),
        cmocka_unit_test(what_is_not_there_is_named),
        cmocka_unit_test(parts_are_messages_in_their_order),
        cmocka_unit_test(braces_and_brackets_can_stand_for_themselves),
        cmocka_unit_test(system_can_be_replaced_or_taken_out),
        cmocka_unit_test(examples_stand_in_front_but_never_the_record_itself),
        cmocka_unit_test(an_example_needs_an_answer),
        cmocka_unit_test(a_wrong_template_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
