/* answered: how long answers were, out of results of either provider; what was cut off; lines
 * that say nothing. */
#include "answered.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A file of that text; to be removed. */
static void make_file(char path[32], const char *text)
{
    snprintf(path, 32, "/tmp/sluice-answered-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void lengths_of_both_providers(void **state)
{
    (void)state;
    static const char text[] =
        "{\"custom_id\": \"a\", \"response\": {\"status_code\": 200, \"body\": {\"choices\": "
        "[{\"finish_reason\": \"stop\"}], \"usage\": {\"completion_tokens\": 120}}}}\n"
        "{\"custom_id\": \"b\", \"response\": {\"status_code\": 200, \"body\": {\"choices\": "
        "[{\"finish_reason\": \"stop\"}, {\"finish_reason\": \"length\"}], \"usage\": "
        "{\"completion_tokens\": 300}}}}\n"
        "{\"custom_id\": \"c\", \"result\": {\"type\": \"succeeded\", \"message\": "
        "{\"stop_reason\": \"max_tokens\", \"usage\": {\"output_tokens\": 200}}}}\n"
        "{\"custom_id\": \"d\", \"response\": {\"body\": {\"incomplete_details\": {\"reason\": "
        "\"max_output_tokens\"}, \"usage\": {\"output_tokens\": 80}}}}\n"
        "{\"custom_id\": \"e\", \"response\": null, \"error\": {\"code\": \"overloaded\"}}\n"
        "not JSON\n"
        "{\"custom_id\": \"f\", \"response\": {\"body\": {\"usage\": {\"prompt_tokens\": 5, "
        "\"total_tokens\": 5}}}}\n";
    char path[32];
    struct outputs o = {0};
    struct answered a;
    struct diag diag;
    make_file(path, text);
    assert_int_equal(answered_read(path, &o, &a, &diag), SL_OK);
    unlink(path);
    assert_int_equal(a.answers, 4);
    assert_int_equal(a.cut, 3);
    assert_int_equal(a.others, 3);
    assert_int_equal(outputs_mean(&o, 1000), 175);
    assert_int_equal(outputs_covering(&o, 100), 300);
    outputs_free(&o);
}

static void nothing_to_learn_from(void **state)
{
    (void)state;
    char path[32];
    struct outputs o = {0};
    struct answered a;
    struct diag diag;
    make_file(path, "{\"custom_id\": \"a\", \"response\": null}\n");
    assert_int_equal(answered_read(path, &o, &a, &diag), SL_MISSING);
    assert_string_equal(diag.where, path);
    unlink(path);
    assert_int_equal(answered_read(path, &o, &a, &diag), SL_IO);
    outputs_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lengths_of_both_providers),
                                       cmocka_unit_test(nothing_to_learn_from)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
