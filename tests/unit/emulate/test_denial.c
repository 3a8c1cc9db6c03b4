/* test_denial.c: every "no" in every dialect is JSON with the status of its kind, says what it
 * has to, and nothing that a client sent can break out of it. test_service.c has the wordings.
 */
#include "check.h"
#include "denial.h"

static const enum denial_kind KINDS[] = {
    DENIAL_RATE,        DENIAL_TOO_LARGE, DENIAL_RAMP,         DENIAL_WALLET,
    DENIAL_BAD_REQUEST, DENIAL_BAD_JSON,  DENIAL_NO_MODEL,     DENIAL_NO_ROUTE,
    DENIAL_BAD_METHOD,  DENIAL_BAD_KEY,   DENIAL_SERVER_ERROR, DENIAL_OVERLOADED};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };
static const enum dimension DIMS[] = {DIM_RPM, DIM_TPM, DIM_ITPM, DIM_OTPM,
                                      DIM_IPM, DIM_RPD, DIM_TPD,  DIM_CONCURRENCY};

/* What a client may call a model, a field, a path: everything that JSON has to escape. */
static const char NASTY[] = "a\"b\\c\n\r\t\x01\xff{}</script>";

static struct denial denial_of(enum denial_kind kind, enum emulate_dialect dialect,
                               enum dimension dim)
{
    return (struct denial){
        .kind = kind,
        .dialect = dialect,
        .api = API_CHAT,
        .model = str_of(NASTY),
        .pool = str_of(NASTY),
        .api_version = str_of(NASTY),
        .why = {.dim = dim, .limit = 30000, .used = 29000, .requested = 4000},
        .retry_us = 6000000,
        .field = NASTY,
        .text = NASTY,
        .id = "req_1"};
}

/* The error object; Gemini wraps it in a list. */
static const struct json *error_of(const struct json *root, enum emulate_dialect dialect)
{
    if (dialect == EMULATE_GEMINI) {
        assert_int_equal(JSON_ARRAY, root->type);
        root = root->first;
    }
    return json_get(root, "error");
}

static void every_no_is_json_with_words(void **state)
{
    for (int d = EMULATE_OPENAI; d <= EMULATE_GEMINI; d++) {
        for (size_t k = 0; k < KIND_COUNT; k++) {
            for (size_t i = 0; i < sizeof DIMS / sizeof *DIMS; i++) {
                struct denial r = denial_of(KINDS[k], (enum emulate_dialect)d, DIMS[i]);
                struct buf body = {0};
                struct arena arena = {0};
                denial_body(&r, &body);
                const struct json *root = json_parse(&arena, buf_str(&body), NULL);
                if (!root)
                    fail_msg("dialect %d, kind %zu: %s", d, k, buf_cstr(&body));
                const struct json *error = error_of(root, r.dialect);
                assert_non_null(error);
                if (json_str(json_get(error, "message")).n < 10)
                    fail_msg("dialect %d, kind %zu: %s", d, k, buf_cstr(&body));
                int status = denial_status(&r);
                assert_true(status >= 400 && status < 600);
                buf_free(&body);
                arena_free(&arena);
            }
        }
    }
}

static void the_same_as_an_event(void **state)
{
    for (int a = 0; a < 3; a++) {
        for (size_t k = 0; k < KIND_COUNT; k++) {
            struct denial r = denial_of(KINDS[k], EMULATE_OPENAI, DIM_TPM);
            struct buf event = {0};
            struct arena arena = {0};
            r.api = a == 0 ? API_CHAT : a == 1 ? API_RESPONSES : API_MESSAGES;
            denial_event(&r, &event);
            struct str text = buf_str(&event);
            assert_true(str_ends(text, STR("\n\n")));
            assert_true(str_starts(text, a == 0 ? STR("data: ") : STR("event: error\n")));
            ptrdiff_t at = str_find(text, STR("data: "), 0);
            struct str data = str_trim(str_from(text, (size_t)at + 6));
            assert_true(str_find(data, STR("\n"), 0) < 0); /* one line, whatever was sent */
            assert_non_null(json_parse(&arena, data, NULL));
            buf_free(&event);
            arena_free(&arena);
        }
    }
}

static void statuses_are_those_of_the_provider(void **state)
{
    static const struct {
        enum denial_kind kind;
        enum emulate_dialect dialect;
        int status;
    } rows[] = {
        {DENIAL_RATE, EMULATE_OPENAI, 429},          {DENIAL_TOO_LARGE, EMULATE_OPENAI, 429},
        {DENIAL_TOO_LARGE, EMULATE_GROQ, 413},       {DENIAL_WALLET, EMULATE_OPENAI, 429},
        {DENIAL_BAD_KEY, EMULATE_OPENAI, 401},       {DENIAL_BAD_KEY, EMULATE_GEMINI, 400},
        {DENIAL_OVERLOADED, EMULATE_ANTHROPIC, 529}, {DENIAL_OVERLOADED, EMULATE_OPENAI, 503},
        {DENIAL_NO_MODEL, EMULATE_AZURE, 404},       {DENIAL_BAD_METHOD, EMULATE_OPENAI, 405},
        {DENIAL_BAD_JSON, EMULATE_OPENAI, 400},      {DENIAL_SERVER_ERROR, EMULATE_OPENAI, 500},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct denial r = denial_of(rows[i].kind, rows[i].dialect, DIM_TPM);
        assert_int_equal(rows[i].status, denial_status(&r));
    }
}

/* Whole seconds are said where that is the manner, never "0 seconds" of a window that is full.
 */
static void waits_are_said_rounded_up(void **state)
{
    static const struct {
        int64_t us;
        const char *azure, *openai;
    } rows[] = {{1, "retry after 1 second.", "try again in "},
                {1000001, "retry after 2 seconds.", "try again in 1s."},
                {0, "retry after 1 second.", "try again in 0s."},
                {90000000, "retry after 90 seconds.", "try again in 1m30s."}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct denial r = denial_of(DENIAL_RATE, EMULATE_AZURE, DIM_TPM);
        struct buf azure = {0}, openai = {0};
        r.retry_us = rows[i].us;
        denial_body(&r, &azure);
        r.dialect = EMULATE_OPENAI;
        denial_body(&r, &openai);
        assert_non_null(strstr(buf_cstr(&azure), rows[i].azure));
        assert_non_null(strstr(buf_cstr(&openai), rows[i].openai));
        buf_free(&azure);
        buf_free(&openai);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_no_is_json_with_words),
        cmocka_unit_test(the_same_as_an_event),
        cmocka_unit_test(statuses_are_those_of_the_provider),
        cmocka_unit_test(waits_are_said_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
