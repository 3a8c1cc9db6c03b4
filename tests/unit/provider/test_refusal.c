/* test_refusal.c: an error's fields, wherever a provider, a router or an edge network puts
 * them. */
#include "check.h"
#include "refusal.h"

#define NONE                                                                                   \
    {                                                                                          \
        0                                                                                      \
    }

static const struct {
    const char *body;
    bool failed;
    bool found, event, page;
    const char *message, *type, *code, *state;
    int64_t status;
} rows[] = {
    /* OpenAI, Anthropic, Azure */
    {"{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}", true, true,
     false, false, "m", "t", "c", "", 0},
    {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}", false,
     true, false, false, "m", "overloaded_error", "", "", 0},
    {"{\"error\":{\"code\":\"429\",\"message\":\"m\"}}", true, true, false, false, "m", "",
     "429", "", 429},
    /* Gemini: a list around it, and a state of its own */
    {"[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}]", false,
     true, false, false, "m", "", "429", "RESOURCE_EXHAUSTED", 429},
    /* bare */
    {"{\"type\":\"error\",\"message\":\"m\",\"code\":200}", false, true, false, false, "m", "",
     "200", "", 0},
    {"{\"message\":\"m\",\"code\":\"c\"}", true, true, false, false, "m", "", "c", "", 0},
    {"{\"detail\":\"m\"}", true, true, false, false, "m", "", "", "", 0},
    {"no words but these", true, true, false, false, "no words but these", "", "", "", 0},
    /* good answers hold none */
    {"{\"id\":\"x\",\"error\":null,\"choices\":[]}", false, false, false, false, "", "", "", "",
     0},
    {"{\"object\":\"list\",\"data\":[]}", false, false, false, false, "", "", "", "", 0},
    {"{\"errors\":{\"object\":\"list\",\"data\":[]}}", false, false, false, false, "", "", "",
     "", 0},
    /* a run's, a batch's, a stream's */
    {"{\"status\":\"failed\",\"last_error\":{\"code\":\"c\",\"message\":\"m\"}}", false, true,
     false, false, "m", "", "c", "failed", 0},
    {"{\"errors\":{\"data\":[{\"code\":\"c\",\"message\":\"m\"}]}}", false, true, false, false,
     "m", "", "c", "", 0},
    {"{\"type\":\"response.failed\",\"sequence_number\":3,\"response\":{\"error\":{\"code\":"
     "\"c\","
     "\"message\":\"m\"}}}",
     false, true, true, false, "m", "response.failed", "c", "", 0},
    {"event: error\ndata: {\"error\":{\"message\":\"m\"}}\n\n", true, true, false, false, "m",
     "", "", "", 0},
    /* a router's: the provider's own words stand in a text inside */
    {"{\"error\":{\"message\":\"outer\",\"code\":502,\"metadata\":{\"raw\":\"{\\\"error\\\":{"
     "\\\"message\\\":\\\"inner\\\",\\\"type\\\":\\\"t\\\"}}\"}}}",
     true, true, false, false, "inner", "t", "502", "", 502},
    {"{\"error\":\"429 {\\\"error\\\":{\\\"message\\\":\\\"m\\\"}}\"}", true, true, false,
     false, "m", "", "", "", 0},
    /* a page */
    {"<!DOCTYPE html><html><head><title> 502 Bad Gateway </title></head></html>", true, true,
     false, true, "502 Bad Gateway", "", "", "", 0},
    {"<html><body>no title", true, true, false, true, "", "", "", "", 0},
    /* not even that */
    {"", true, true, false, false, "", "", "", "", 0},
    {"{\"error\":", true, true, false, false, "{\"error\":", "", "", "", 0},
    {"[]", true, true, false, false, "", "", "", "", 0},
    {"7", true, true, false, false, "7", "", "", "", 0},
};

static bool same(struct str got, const char *want)
{
    return str_eq(got, str_of(want));
}

static void every_shape(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = NONE;
        struct refusal r = refusal_read(str_of(rows[i].body), rows[i].failed, &arena);
        if (r.found != rows[i].found || r.event != rows[i].event || r.page != rows[i].page ||
            !same(r.message, rows[i].message) || !same(r.type, rows[i].type) ||
            !same(r.code, rows[i].code) || !same(r.state, rows[i].state) ||
            r.status != rows[i].status)
            fail_msg("%s\n%d %d %d \"%.*s\" \"%.*s\" \"%.*s\" \"%.*s\" %d", rows[i].body,
                     r.found, r.event, r.page, STR_ARG(r.message), STR_ARG(r.type),
                     STR_ARG(r.code), STR_ARG(r.state), (int)r.status);
        arena_free(&arena);
    }
}

static void details_are_handed_on(void **state)
{
    struct arena arena = NONE;
    struct refusal r = refusal_read(
        STR("{\"error\":{\"message\":\"m\",\"details\":[{\"retryDelay\":\"5s\"}]}}"), true,
        &arena);
    assert_non_null(r.details);
    assert_true(json_is(json_get(r.details->first, "retryDelay"), "5s"));
    r = refusal_read(STR("{\"error\":{\"details\":{\"error_code\":\"credits_required\"}}}"),
                     true, &arena);
    assert_true(same(r.code, "credits_required")); /* says more than the type around it */
    arena_free(&arena);
}

/* Errors within errors, as objects or as texts: read as deep as anybody wraps, and no deeper.
 */
static void wrapping_has_an_end(void **state)
{
    for (int texts = 0; texts < 2; texts++) {
        struct buf body = NONE, inner = NONE;
        struct arena arena = NONE;
        buf_puts(&body, "{\"message\":\"innermost\"}");
        for (int depth = 0; depth < (texts ? 6 : 60); depth++) {
            buf_clear(&inner);
            buf_puts(&inner, "{\"message\":\"outer\",\"error\":");
            if (texts)
                buf_json(&inner, buf_str(&body));
            else
                buf_add(&inner, buf_str(&body));
            buf_char(&inner, '}');
            buf_clear(&body);
            buf_add(&body, buf_str(&inner));
            bool near = depth < 3, far = !texts && depth > 10;
            struct refusal r = refusal_read(buf_str(&body), true, &arena);
            assert_true(!near || same(r.message, "innermost"));
            assert_true(!far || same(r.message, "outer"));
            assert_true(r.message.n > 0);
        }
        buf_free(&body);
        buf_free(&inner);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape),
        cmocka_unit_test(details_are_handed_on),
        cmocka_unit_test(wrapping_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
