/* parcel: what the journal says is what it said; an input that was changed under a batch, and
 * lines that no run of ours wrote, are noticed. loading: as long as it said it would be. */
#include "desk.h"
#include "loading.h"

#include <stdarg.h>

struct yard {
    struct desk desk;
    const struct batch_rules *rules;
    struct parcels parcels;
    struct buf journal; /* lines with their newlines */
};

/* A file of n requests, one model; line 4 is empty. */
static void yard_open(struct yard *y, size_t n, enum provider_id provider)
{
    struct buf text = {0};
    *y = (struct yard){.journal = {0}};
    desk_init(&y->desk);
    y->desk.config.provider = provider_get(provider);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text,
                   "%s{\"custom_id\":\"r%zu\",\"method\":\"POST\",\"url\":\"/v1/chat/"
                   "completions\",\"body\":{\"model\":\"gpt-4o\",\"messages\":[{\"role\":"
                   "\"user\",\"content\":\"%zu\"}]}}\n",
                   i == 3 ? "\n" : "", i, i * 1000);
    desk_write(y->desk.requests, buf_cstr(&text));
    assert_int_equal(desk_open(&y->desk), SL_OK);
    y->rules = batch_rules_of(y->desk.catalogue, provider_get(PROVIDER_OPENAI));
    buf_free(&text);
}

static void yard_close(struct yard *y)
{
    parcels_free(&y->parcels);
    buf_free(&y->journal);
    desk_free(&y->desk);
}

static void say(struct yard *y, const struct parcel *p)
{
    parcel_write(p, &y->desk.input, y->rules, "because", &y->journal);
    buf_char(&y->journal, '\n');
}

/* The rows from first to last but every `but`th, as the next parcel, planned. */
static struct parcel *plan(struct yard *y, size_t first, size_t last, size_t but)
{
    struct parcel *p = parcels_add(&y->parcels);
    assert_non_null(p);
    memset(p->mark, '0' + p->number, sizeof p->mark);
    p->first = first;
    p->last = last;
    p->load = (struct load){.requests = 5, .bytes = 6, .tokens = 7, .inputs = 8};
    p->halvings = 1;
    for (size_t i = first; i <= last; i++) {
        if ((i + 1) % but)
            y->desk.input.rows.list[i].parcel = p->number;
    }
    say(y, p);
    return p;
}

static void header(struct yard *y)
{
    struct parcels_header h = {STR("https://x/v1")};
    parcels_write_header(&h, &y->journal);
    buf_char(&y->journal, '\n');
}

/* Reads the journal into parcels of their own, with the rows unmarked before. */
static enum sl_err read_back(struct yard *y, struct parcels_reader *r, struct parcels *out)
{
    enum sl_err err = SL_OK;
    struct str rest = buf_str(&y->journal);
    *r = (struct parcels_reader){.parcels = out, .input = &y->desk.input, .rules = y->rules};
    y->desk.diag = (struct diag){"", ""};
    for (size_t i = 0; i < y->desk.input.rows.n; i++)
        y->desk.input.rows.list[i].parcel = 0;
    while (rest.n && err == SL_OK)
        err = parcels_read_line(r, str_split(&rest, '\n'), &y->desk.diag);
    return err;
}

static void all_states_come_back(void **state)
{
    struct yard y;
    struct parcels back = {0};
    struct parcels_reader r;
    yard_open(&y, 20, PROVIDER_OPENAI);
    header(&y);
    struct parcel *p = plan(&y, 0, 9, 4); /* 0-2, 4-6, 8-9 */
    assert_non_null(strstr(buf_cstr(&y.journal), "\"rows\":\"1-3,6-8,10-11\""));
    p->state = PARCEL_UPLOADING;
    say(&y, p);
    p->state = PARCEL_UPLOADED;
    buf_puts(&p->file, "file-1");
    say(&y, p);
    p->state = PARCEL_CREATING;
    p->attempt = 1;
    p->creating_us = 1764000001 * INT64_C(1000000);
    say(&y, p);
    p->state = PARCEL_CREATED;
    buf_puts(&p->batch, "batch_1");
    say(&y, p);
    plan(&y, 10, 19, 100);
    assert_int_equal(read_back(&y, &r, &back), SL_OK);
    assert_true(str_eq(r.header.account, STR("https://x/v1")));
    assert_int_equal(back.n, 2);
    const struct parcel *b = parcels_get(&back, 1);
    assert_int_equal(b->state, PARCEL_CREATED);
    assert_memory_equal(b->mark, y.parcels.list[0].mark, MARK_BYTES);
    assert_int_equal(b->first, 0);
    assert_int_equal(b->last, 9);
    assert_int_equal(b->load.tokens, 7);
    assert_int_equal(b->halvings, 1);
    assert_int_equal(b->attempt, 1);
    assert_int_equal(b->creating_us, 1764000001000000);
    assert_true(str_eq(buf_str(&b->file), STR("file-1")));
    assert_true(str_eq(buf_str(&b->batch), STR("batch_1")));
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(y.desk.input.rows.list[i].parcel, i >= 10 ? 2 : (i + 1) % 4 ? 1 : 0);
    parcels_reader_free(&r);
    parcels_free(&back);
    yard_close(&y);
}

/* The last choice counts, and whether it was made. */
static void choices_come_back(void **state)
{
    struct yard y;
    struct parcels back = {0};
    struct parcels_reader r;
    struct parcels_choice first = {true, false, 5, 6, -1}, last = {true, false, -1, -1, 20};
    yard_open(&y, 5, PROVIDER_OPENAI);
    header(&y);
    parcels_write_choice(&first, &y.journal);
    buf_char(&y.journal, '\n');
    first.made = true;
    parcels_write_choice(&first, &y.journal);
    buf_char(&y.journal, '\n');
    size_t made = y.journal.n;
    parcels_write_choice(&last, &y.journal);
    buf_char(&y.journal, '\n');
    assert_int_equal(read_back(&y, &r, &back), SL_OK);
    assert_true(r.choice.begun && !r.choice.made && r.choice.budget_pusd == 20);
    assert_true(r.choice.deadline_us == -1 && r.choice.until_us == -1);
    parcels_reader_free(&r);
    y.journal.n = made;
    assert_int_equal(read_back(&y, &r, &back), SL_OK);
    assert_true(r.choice.begun && r.choice.made && r.choice.budget_pusd == -1);
    assert_true(r.choice.deadline_us == 5 && r.choice.until_us == 6);
    parcels_reader_free(&r);
    parcels_free(&back);
    yard_close(&y);
}

/* A refused batch leaves its file; what is void or fetched leaves its rows. */
static void rows_are_free_again(void **state)
{
    struct yard y;
    struct parcels back = {0};
    struct parcels_reader r;
    yard_open(&y, 20, PROVIDER_OPENAI);
    header(&y);
    struct parcel *p = plan(&y, 0, 9, 100);
    p->state = PARCEL_UPLOADED;
    buf_puts(&p->file, "file-1");
    say(&y, p);
    p->state = PARCEL_CREATED;
    buf_puts(&p->batch, "batch_1");
    say(&y, p);
    parcel_write_refused(p, &y.journal);
    buf_char(&y.journal, '\n');
    size_t until_refused = y.journal.n;
    p->state = PARCEL_VOID;
    say(&y, p);
    plan(&y, 5, 15, 100);
    assert_int_equal(read_back(&y, &r, &back), SL_OK);
    assert_false(parcel_is_live(parcels_get(&back, 1)));
    assert_int_equal(y.desk.input.rows.list[4].parcel, 1);
    assert_int_equal(y.desk.input.rows.list[5].parcel, 2);
    parcels_reader_free(&r);
    parcels_free(&back);
    y.journal.n = until_refused;
    assert_int_equal(read_back(&y, &r, &back), SL_OK);
    assert_int_equal(parcels_get(&back, 1)->state, PARCEL_UPLOADED);
    parcels_reader_free(&r);
    parcels_free(&back);
    plan(&y, 5, 15, 100); /* without a word that the first is void */
    assert_int_equal(read_back(&y, &r, &back), SL_TYPE); /* 3 after 1 */
    parcels_reader_free(&r);
    parcels_free(&back);
    yard_close(&y);
}

static void a_changed_input_is_noticed(void **state)
{
    static const char *const changes[] = {"\"1000\"", "r1\"", "\"gpt-4o\""};
    static const char *const to[] = {"\"1001\"", "rx\"", "\"gpt-41\""};
    for (size_t k = 0; k < 3; k++) {
        struct yard y;
        struct parcels back = {0};
        struct parcels_reader r;
        struct buf text = {0};
        yard_open(&y, 5, PROVIDER_OPENAI);
        header(&y);
        plan(&y, 0, 4, 100);
        desk_read(y.desk.requests, &text);
        char *at = strstr(buf_cstr(&text), changes[k]);
        assert_non_null(at);
        memcpy(at, to[k], strlen(to[k]));
        desk_write(y.desk.requests, text.p);
        input_close(&y.desk.input);
        assert_int_equal(desk_open(&y.desk), SL_OK);
        assert_int_equal(read_back(&y, &r, &back), SL_RANGE);
        assert_non_null(strstr(y.desk.diag.what, "when batch 1 was made of it"));
        parcels_reader_free(&r);
        parcels_free(&back);
        buf_free(&text);
        yard_close(&y);
    }
}

static void what_is_no_journal_is_refused(void **state)
{
#define BEGIN "{\"sluice\":\"batches\",\"account\":\"x\"}\n"
#define PLAN                                                                                   \
    "{\"parcel\":1,\"state\":\"planned\",\"mark\":\"00000000000000000000000000000000\","       \
    "\"model\":\"gpt-4o\",\"endpoint\":\"/v1/chat/completions\","
    static const char *const journals[] = {
        "{}\n",
        "[]\n",
        "not JSON\n",
        "{\"sluice\":\"batches\"}\n",
        "{\"sluice\":\"batches\",\"account\":7}\n",
        BEGIN "{\"choice\":\"made\"}\n",
        BEGIN "{\"choice\":\"begun\"}\n",
        BEGIN "{\"choice\":\"begun\",\"deadline_us\":-1,\"until_us\":null,"
              "\"budget_pusd\":null}\n",
        BEGIN "{\"choice\":\"dreamt\"}\n",
        BEGIN "{\"state\":\"planned\"}\n",
        BEGIN "{\"parcel\":0,\"state\":\"planned\"}\n",
        BEGIN "{\"parcel\":2,\"state\":\"planned\"}\n",
        BEGIN "{\"parcel\":1,\"state\":\"uploading\"}\n",
        BEGIN "{\"parcel\":1,\"state\":\"dreaming\"}\n",
        BEGIN "{\"parcel\":1,\"state\":\"planned\",\"mark\":\"short\"}\n",
        BEGIN "{\"parcel\":70000,\"state\":\"planned\"}\n",
        BEGIN PLAN "\"rows\":\"1\"}\n",
        BEGIN PLAN "\"rows\":\"9-1\",\"digest\":\"\",\"requests\":1,\"bytes\":1,\"tokens\":1,"
                   "\"inputs\":1,\"halvings\":0}\n",
        BEGIN PLAN "\"rows\":\"\",\"digest\":\"\",\"requests\":1,\"bytes\":1,\"tokens\":1,"
                   "\"inputs\":1,\"halvings\":0}\n",
    };
    for (size_t i = 0; i < sizeof journals / sizeof *journals; i++) {
        struct yard y;
        struct parcels back = {0};
        struct parcels_reader r;
        yard_open(&y, 5, PROVIDER_OPENAI);
        buf_puts(&y.journal, journals[i]);
        if (read_back(&y, &r, &back) == SL_OK)
            fail_msg("taken: %s", journals[i]);
        parcels_reader_free(&r);
        parcels_free(&back);
        yard_close(&y);
    }
}

static void states_come_in_their_order(void **state)
{
    static const char *const wrong[] = {
        "{\"parcel\":1,\"state\":\"planned\"}",
        "{\"parcel\":1,\"state\":\"refused\"}",
        "{\"parcel\":1,\"state\":\"created\",\"batch\":\"../x\"}",
        "{\"parcel\":1,\"state\":\"uploaded\"}",
        "{\"parcel\":1,\"state\":\"creating\",\"attempt\":1}",
        "{\"parcel\":1,\"state\":\"creating\",\"attempt\":1,\"at\":99999999999999999}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct yard y;
        struct parcels back = {0};
        struct parcels_reader r;
        yard_open(&y, 5, PROVIDER_OPENAI);
        header(&y);
        plan(&y, 0, 4, 100);
        buf_puts(&y.journal, wrong[i]);
        if (read_back(&y, &r, &back) == SL_OK)
            fail_msg("taken: %s", wrong[i]);
        parcels_reader_free(&r);
        parcels_free(&back);
        yard_close(&y);
    }
}

static void it_is_as_long_as_it_said(void **state)
{
    static const enum batch_dialect dialects[] = {BATCH_OPENAI, BATCH_ANTHROPIC};
    for (size_t k = 0; k < 2; k++) {
        struct yard y;
        struct buf all = {0};
        struct input_request request = {0};
        struct str piece;
        yard_open(&y, 400, PROVIDER_OPENAI);
        struct parcel *p = plan(&y, 0, 399, 7);
        struct loading l = {.dialect = dialects[k], .rules = y.rules, .input = &y.desk.input};
        p->endpoint = batch_endpoint(y.rules, STR("/v1/chat/completions"));
        p->load = (struct load){0};
        for (size_t i = 0; i < 400; i++) {
            const struct row *row = &y.desk.input.rows.list[i];
            if (!row->parcel)
                continue;
            assert_int_equal(input_read(&y.desk.input, row, &request, &y.desk.diag), SL_OK);
            struct load one =
                loading_of(dialects[k], y.rules->endpoints[p->endpoint], row, &request.line);
            p->load.bytes +=
                one.bytes + (p->load.requests ? loading_gap_bytes(dialects[k]) : 0);
            p->load.requests++;
        }
        l.parcel = *p;
        for (int round = 0; round < 2; round++) { /* a second time, as after a lost upload */
            buf_clear(&all);
            loading_begin(&l, STR("sluice-00000000000000000000000000000000"));
            do {
                assert_int_equal(loading_next(&l, &piece, &y.desk.diag), SL_OK);
                buf_add(&all, piece);
            } while (piece.n);
            assert_int_equal(all.n, loading_length(&l));
        }
        assert_non_null(strstr(buf_cstr(&all), dialects[k] == BATCH_OPENAI
                                                   ? "\"custom_id\":\"r0\",\"method\""
                                                   : "\"custom_id\":\"1-1111"));
        loading_free(&l);
        input_request_free(&request);
        buf_free(&all);
        yard_close(&y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_states_come_back),
        cmocka_unit_test(choices_come_back),
        cmocka_unit_test(rows_are_free_again),
        cmocka_unit_test(a_changed_input_is_noticed),
        cmocka_unit_test(what_is_no_journal_is_refused),
        cmocka_unit_test(states_come_in_their_order),
        cmocka_unit_test(it_is_as_long_as_it_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
