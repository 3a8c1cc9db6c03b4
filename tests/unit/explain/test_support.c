/* When it is worth writing to the provider's support: each reason by a refusal that gives it
 * and by one that just does not; what was paid, and what it earns. */
#include "check.h"
#include "support.h"

static struct catalogue *catalogue;

static int open_catalogue(void **state)
{
    struct diag diag;
    catalogue = catalogue_open((struct str){0}, NULL, &diag);
    return catalogue ? 0 : -1;
}

static int close_catalogue(void **state)
{
    catalogue_close(&catalogue);
    return 0;
}

struct asked {
    struct standing standing;
    struct buf words;
};

static void take(void *ctx, const struct evidence *e)
{
    struct asked *a = ctx;
    struct arena arena = {0};
    struct origin nobody = origin_named((struct str){0});
    struct finding f = finding_of(e, &nobody, 0, &arena);
    support_write(&a->words, &a->standing, &f, 0);
    arena_free(&arena);
}

#define OPENAI(limit, used, requested, wait)                                                   \
    "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): "            \
    "Limit " limit ", Used " used ", Requested " requested ". Please try again in " wait "."
#define HEADERS(limit, remaining)                                                              \
    "HTTP/1.1 429 X\nopenai-version: x\nx-ratelimit-limit-tokens: " limit                      \
    "\nx-ratelimit-remaining-tokens: " remaining "\n\n"
#define BODY(message) "{\"error\":{\"message\":\"" message "\",\"type\":\"tokens\"}}"
#define GENERAL       "only if it refuses while headers show room"

static void reasons(void **state)
{
    static const struct {
        const char *text, *tier;
        int64_t cents, days;
        const char *says, *not ;
    } rows[] = {
        {OPENAI("30000", "29937", "385", "644ms"), "", -1, -1, GENERAL, NULL},
        /* room by its own figures */
        {OPENAI("30000", "10000", "385", "1s"), "", -1, -1, "by its own figures it fits",
         GENERAL},
        {OPENAI("30000", "29615", "385", "1s"), "", -1, -1, "by its own figures it fits",
         GENERAL},
        {OPENAI("30000", "29616", "385", "2ms"), "", -1, -1, GENERAL, "it fits"},
        {"Rate limit reached for text-embedding-ada-002 on tokens per min. Limit: 1000000 / "
         "min. "
         "Current: 1 / min.",
         "", -1, -1, "by its own figures it fits", GENERAL},
        /* room by the headers */
        {HEADERS("30000", "20000") BODY("Rate limit reached on tokens per min (TPM)"), "", -1,
         -1, "its headers show 20,000 of 30,000 tokens per minute left", GENERAL},
        {HEADERS("30000", "14000") BODY("Rate limit reached on tokens per min (TPM)"), "", -1,
         -1, GENERAL, "headers show 1"},
        {HEADERS("30000", "1000") BODY(OPENAI("30000", "29990", "500", "980ms")), "", -1, -1,
         "its headers show 1,000 of 30,000", GENERAL},
        {HEADERS("30000", "999") BODY(OPENAI("30000", "29990", "500", "980ms")), "", -1, -1,
         GENERAL, "its headers"},
        /* a wait far beyond the figures */
        {OPENAI("100000", "96749", "19126", "114h18m0s"), "", -1, -1,
         "a wait of 4d 18h, and its figures give 9.5 s", GENERAL},
        {OPENAI("100000", "96749", "19126", "9.525s"), "", -1, -1, GENERAL, "a wait of"},
        /* a limit below the tier's */
        {OPENAI("30000", "29937", "385", "644ms"), "2", -1, -1,
         "the limit of 30,000 tokens per minute is below tier 2's 450,000", GENERAL},
        {OPENAI("450000", "449990", "385", "50ms"), "tier-2", -1, -1, GENERAL, "below tier"},
        /* paid and waited for */
        {OPENAI("30000", "29937", "385", "644ms"), "1", 6000, 9,
         "60 USD paid and 9 days since the first payment earn tier 2 (50 USD; until early 2026 "
         "also 7 days), and the account is in tier 1\n",
         GENERAL},
        {OPENAI("30000", "29937", "385", "644ms"), "1", 6000, -1,
         "60 USD paid earn tier 2 (50 USD; until early 2026 also 7 days), and the account is "
         "in "
         "tier 1; --since DAYS makes it sure",
         GENERAL},
        {OPENAI("30000", "29937", "385", "644ms"), "", 6000, 9, "and the account is in tier 1",
         GENERAL}, /* the limit tells the tier */
        {OPENAI("30000", "29937", "385", "644ms"), "1", 3050, 9,
         "30.50 USD paid and 9 days since the first payment; the next tier, 2, asks for 50 "
         "USD; "
         "until early 2026 also 7 days: 19.50 USD more",
         "and the account is in"},
        {OPENAI("30000", "29937", "385", "644ms"), "1", 100000, 8, "earn tier 3",
         "earn tier 5"}, /* sure by the earlier rule too */
        {OPENAI("30000000", "29999937", "385", "1ms"), "5", 5000000, 900, GENERAL, "next tier"},
        /* would a higher tier help? */
        {OPENAI("30000", "29937", "385", "644ms"), "", -1, -1,
         "30,000 is tier 1's; tier 2 has 450,000 (50 USD", NULL},
        {"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 900000.",
         "", -1, -1, "30,000 is tier 1's; tier 4 has 2,000,000", "tier 2 has"},
        {"Request too large for gpt-4o on tokens per min (TPM): Limit 30000000, Requested "
         "90000000.",
         "", -1, -1, "30,000,000 is tier 5's; no tier above it is known to help", NULL},
        {"This request would exceed your organization's rate limit of 80,000 input tokens per "
         "minute. See docs.anthropic.com",
         "3", -1, -1, GENERAL, "  tier  "}, /* of which model? */
        /* nothing to write about */
        {"Incorrect API key provided", "", -1, -1, "", "ask"},
        {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}", "",
         -1, -1, "only if it lasts for hours", GENERAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct asked a = {
            .standing = {catalogue, str_of(rows[i].tier), rows[i].cents, rows[i].days}};
        evidence_each(str_of(rows[i].text), take, &a);
        const char *words = buf_cstr(&a.words);
        if (!strstr(words, rows[i].says) || (rows[i].not &&strstr(words, rows[i].not )))
            fail_msg("row %zu: %s\n%s", i, rows[i].text, words);
        buf_free(&a.words);
    }
}

static void amounts(void **state)
{
    static const struct {
        const char *text;
        int64_t cents;
        enum sl_err err;
    } rows[] = {
        {"60usd", 6000, SL_OK},
        {"60", 6000, SL_OK},
        {"$60", 6000, SL_OK},
        {"60.5 USD", 6050, SL_OK},
        {"USD 60.05", 6005, SL_OK},
        {"1,000usd", 100000, SL_OK},
        {"0", 0, SL_OK},
        {"60eur", 0, SL_RANGE},
        {"much", 0, SL_SYNTAX},
        {"", 0, SL_SYNTAX},
        {"-5", 0, SL_SYNTAX},
        {"60.123", 0, SL_SYNTAX},
        {"99999999999999999999", 0, SL_SYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct diag diag = {{0}, {0}};
        int64_t cents = 0;
        enum sl_err err = standing_paid(str_of(rows[i].text), &cents, &diag);
        if (err != rows[i].err || cents != rows[i].cents)
            fail_msg("%s: %d, %lld: %s", rows[i].text, (int)err, (long long)cents, diag.what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons),
        cmocka_unit_test(amounts),
    };
    return cmocka_run_group_tests(tests, open_catalogue, close_catalogue);
}
