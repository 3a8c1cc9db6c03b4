/* test_message.c: a head passes only if there is one way to read where its message ends. */
#include "check.h"
#include "message.h"
#include "random.h"

static void a_header_is_found_in_any_case(void **state)
{
    struct message m = {.headers = {{STR("Retry-After"), STR("5")},
                                    {STR("x"), STR("")},
                                    {STR("retry-after"), STR("7")}},
                        .header_count = 3};
    assert_true(str_eq(message_header(&m, "RETRY-AFTER"), STR("5"))); /* the first one */
    assert_non_null(message_header(&m, "X").p);                       /* there, and empty */
    assert_null(message_header(&m, "retry").p);
    assert_null(message_header(&(struct message){0}, "x").p);
}

#define NONE                                                                                   \
    {                                                                                          \
        {0},                                                                                   \
        {                                                                                      \
            0                                                                                  \
        }                                                                                      \
    }
#define LENGTH(v)                                                                              \
    {                                                                                          \
        STR("content-length"), STR(v)                                                          \
    }
#define CODING(v)                                                                              \
    {                                                                                          \
        STR("Transfer-Encoding"), STR(v)                                                       \
    }
#define HOST                                                                                   \
    {                                                                                          \
        STR("host"), STR("a")                                                                  \
    }

static void framings(void **state)
{
    static const struct {
        enum message_side side;
        int minor;
        struct header headers[3];
        int status; /* of the objection; 0: none */
        int64_t length;
        bool chunked;
    } rows[] = {
        {MESSAGE_RESPONSE, 1, {NONE}, 0, -1, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("0")}, 0, 0, false},
        {MESSAGE_RESPONSE, 0, {LENGTH("007")}, 0, 7, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("9223372036854775807")}, 0, INT64_MAX, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("9223372036854775808")}, 400, 0, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("")}, 400, 0, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("+5")}, 400, 0, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("-1")}, 400, 0, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("0x10")}, 400, 0, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("5, 5")}, 400, 0, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("5,000")}, 400, 0, false},
        {MESSAGE_RESPONSE, 1, {LENGTH("5"), LENGTH("5")}, 400, 0, false},
        {MESSAGE_RESPONSE, 1, {CODING("chunked")}, 0, -1, true},
        {MESSAGE_RESPONSE, 1, {CODING("Chunked")}, 0, -1, true},
        {MESSAGE_RESPONSE, 1, {CODING("gzip, chunked")}, 501, 0, true},
        {MESSAGE_RESPONSE, 1, {CODING("xchunked")}, 501, 0, true},
        {MESSAGE_RESPONSE, 1, {CODING("identity")}, 501, 0, true},
        {MESSAGE_RESPONSE, 1, {CODING("")}, 501, 0, true},
        {MESSAGE_RESPONSE, 1, {CODING("chunked"), CODING("chunked")}, 501, 0, true},
        {MESSAGE_RESPONSE, 0, {CODING("chunked")}, 400, 0, true},
        {MESSAGE_RESPONSE, 1, {LENGTH("5"), CODING("chunked")}, 400, 0, true},
        {MESSAGE_REQUEST, 1, {HOST}, 0, -1, false},
        {MESSAGE_REQUEST, 1, {NONE}, 400, 0, false},
        {MESSAGE_REQUEST, 0, {NONE}, 0, -1, false}, /* HTTP/1.0 knew no Host */
        {MESSAGE_REQUEST, 0, {HOST, HOST}, 400, 0, false},
        {MESSAGE_REQUEST, 1, {HOST, LENGTH("3")}, 0, 3, false},
        {MESSAGE_RESPONSE, 1, {HOST, HOST}, 0, -1, false}, /* nonsense, but no danger */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message m = {.minor = rows[i].minor, .content_length = 77};
        struct objection why = {0};
        for (; m.header_count < 3 && rows[i].headers[m.header_count].name.n; m.header_count++)
            m.headers[m.header_count] = rows[i].headers[m.header_count];
        enum sl_err err = message_frame(&m, rows[i].side, &why);
        if ((err == SL_OK) != (rows[i].status == 0) || why.status != rows[i].status ||
            (err != SL_OK && !why.why))
            fail_msg("row %zu: %d %s", i, why.status, why.why ? why.why : "passes");
        if (err == SL_OK &&
            (m.content_length != rows[i].length || m.chunked != rows[i].chunked))
            fail_msg("row %zu: length %lld", i, (long long)m.content_length);
    }
}

/* Whatever else stands around them: what passes has one framing at most, and says it once. */
static void never_two_ways_to_read(void **state)
{
    static const struct header some[] = {LENGTH("5"),    LENGTH("x"), CODING("chunked"),
                                         CODING("gzip"), HOST,        {STR("x"), STR("y")}};
    int passed = 0;
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        struct random r = {seed};
        struct message m = {.minor = (int)random_below(&r, 2),
                            .header_count = random_below(&r, 6)};
        size_t counts[6] = {0};
        struct objection why;
        enum message_side side = (enum message_side)random_below(&r, 2);
        for (size_t i = 0; i < m.header_count; i++) {
            size_t kind = random_below(&r, 6);
            m.headers[i] = some[kind];
            counts[kind]++;
        }
        if (message_frame(&m, side, &why) != SL_OK)
            continue;
        passed++;
        assert_seeded(seed, counts[1] + counts[3] == 0);
        assert_seeded(seed, counts[0] + counts[2] <= 1);
        assert_seeded(seed, counts[2] == 0 || m.minor == 1);
        assert_seeded(seed, side == MESSAGE_RESPONSE || counts[4] == 1 ||
                                (counts[4] == 0 && m.minor == 0));
        assert_seeded(seed, m.chunked == (counts[2] == 1));
        assert_seeded(seed, m.content_length == (counts[0] ? 5 : -1));
    }
    assert_true(passed > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_found_in_any_case),
        cmocka_unit_test(framings),
        cmocka_unit_test(never_two_ways_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
