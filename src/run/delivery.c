/* delivery.c: what a result of a batch does to the run's row: an answer is written as a live
 * one is; what cannot succeed is written as its failure; the rest comes back.
 *
 * What comes back is asked live, or written down as failed, as the user wished and as a budget
 * allows; where all is being cancelled on purpose it is simply left. */
#include "shipping.h"

#include "batch.h"
#include "receipt.h"

static void disk_failed(struct shipping *s, const struct diag *diag)
{
    batch_stop(s->batch, STOP_DISK, diag->where, diag->what);
}

static struct row *row_by_number(struct rows *rows, int64_t number)
{
    size_t low = 0, high = rows->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->list[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < rows->n && rows->list[low].number == number ? &rows->list[low] : NULL;
}

/* The row that a result is of, if it waits for one. */
static struct row *row_of(const struct shipment *h, const struct batch_result *r)
{
    struct shipping *s = h->shipping;
    struct rows *rows = &s->batch->input.rows;
    const struct parcel *p = shipping_parcel(h);
    struct row *row =
        s->dialect == BATCH_OPENAI
            ? rows_find(rows, hash128_of(&r->custom_id, 1))
            : row_by_number(rows,
                            batch_id_read(r->custom_id, (struct str){p->mark, MARK_BYTES}));
    return row && row->parcel == h->number && row->state == ROW_SHIPPED ? row : NULL;
}

/* A row's own custom_id, read again where ids of ours were sent. */
static enum sl_err custom_id_of(struct shipping *s, const struct row *row,
                                struct input_request *request, struct str *out,
                                struct diag *diag)
{
    enum sl_err err = input_read(&s->batch->input, row, request, diag);
    *out = request->line.custom_id;
    return err;
}

static void write_answer(struct shipping *s, struct row *row, const struct result *result,
                         const struct batch_result *r)
{
    struct batch *b = s->batch;
    struct diag diag;
    if (results_answer(b->results, result, &diag) != SL_OK) {
        disk_failed(s, &diag);
        return;
    }
    struct usage usage = usage_of(r->tree);
    const struct receipt a = {.model = b->input.models.list[row->model].known,
                              .route =
                                  s->dialect == BATCH_ANTHROPIC ? ROUTE_MESSAGES : ROUTE_CHAT,
                              .usage = &usage,
                              .service_us = -1,
                              .batch = true};
    allot_settle(b, row, true, receipt_add(&b->totals, &a));
    row->state = ROW_DONE;
    s->carried++;
    s->rows--;
}

static void write_failure(struct shipping *s, struct row *row, const struct result *result,
                          struct str code, struct str message)
{
    struct batch *b = s->batch;
    struct diag diag;
    if (results_failure(b->results, result, code, message, &diag) != SL_OK) {
        disk_failed(s, &diag);
        return;
    }
    s->rows -= row->state == ROW_SHIPPED;
    row->state = ROW_FAILED;
    b->totals.failed++;
    kinds_add(&b->totals.failures, code);
}

/* Can it never succeed? Not said of what came without a word: that is the batch's own fault. */
static bool is_final(const struct batch_result *r, const struct verdict *v)
{
    if (v->kind == VERDICT_CONTEXT_LENGTH || v->kind == VERDICT_TOO_LARGE)
        return true;
    bool said = r->status / 100 == 4 || (r->status == 0 && v->code.n);
    return v->kind == VERDICT_OTHER && !v->retryable && said && r->status != 404;
}

static void judge_refusal(struct shipment *h, struct row *row, struct result *result,
                          const struct batch_result *r)
{
    struct shipping *s = h->shipping;
    struct arena arena = {0};
    struct ending end = {.outcome = OUTCOME_FAILED, .answered = true, .why = ""};
    end.verdict =
        verdict_of(s->batch->settings->account.provider, r->status, NULL, r->body, 0, &arena);
    struct str code = failure_code(&end), message = end.verdict.message;
    result->answered = r->status > 0;
    if (is_final(r, &end.verdict))
        write_failure(s, row, result, code, message);
    else
        delivery_return(s, (size_t)(row - s->batch->input.rows.list), code, message);
    arena_free(&arena);
}

static bool holds_error(const struct json *answer)
{
    const struct json *error = json_get(answer, "error");
    return error && error->type != JSON_NULL;
}

void delivery_result(struct shipment *h, const struct batch_result *r)
{
    struct shipping *s = h->shipping;
    struct input_request request = {0};
    struct diag diag;
    struct row *row = row_of(h, r);
    if (!row)
        return;
    struct result result = {.id = row->id,
                            .custom_id = r->custom_id,
                            .answered = true,
                            .status = r->status,
                            .request_id = r->request_id,
                            .body = r->body};
    size_t index = (size_t)(row - s->batch->input.rows.list);
    if (s->dialect == BATCH_ANTHROPIC &&
        custom_id_of(s, row, &request, &result.custom_id, &diag) != SL_OK)
        disk_failed(s, &diag);
    else if (r->fate == FATE_ANSWERED && !holds_error(r->tree))
        write_answer(s, row, &result, r);
    else if (r->fate == FATE_EXPIRED)
        delivery_return(s, index, STR("batch_expired"), r->message);
    else if (r->fate == FATE_CANCELLED)
        delivery_return(s, index, STR("batch_cancelled"), r->message);
    else if (r->body.p)
        judge_refusal(h, row, &result, r);
    else
        delivery_return(s, index, r->code.n ? r->code : STR("batch_failed"), r->message);
    h->returned += row->state == ROW_PENDING || (row->state == ROW_FAILED && !row->parcel);
    input_request_free(&request);
}

void delivery_return(struct shipping *s, size_t index, struct str code, struct str message)
{
    struct batch *b = s->batch;
    struct row *row = &b->input.rows.list[index];
    struct input_request request = {0};
    struct diag diag;
    if (row->state != ROW_SHIPPED)
        return;
    row->parcel = 0;
    row->state = ROW_PENDING;
    s->returned++;
    s->rows--;
    if (b->settings->cancel)
        return;
    bool dear = b->settings->rest == REST_LIVE && !allot_raise(b, row);
    if (b->settings->rest == REST_LIVE && !dear) {
        batch_offer(b, index);
        return;
    }
    if (dear) {
        allot_settle(b, row, true, 0);
        code = STR("over_budget");
        message = STR("a batch gave it back, and the budget does not pay for it live");
    }
    struct result result = {.id = row->id};
    if (custom_id_of(s, row, &request, &result.custom_id, &diag) == SL_OK)
        write_failure(s, row, &result, code, message);
    else
        disk_failed(s, &diag);
    input_request_free(&request);
}
