/* paging.c: see paging.h. */
#include "paging.h"
#include "member.h"

/* Usual and largest pages as the SDKs document them. */
const struct paging_rules paging_openai = {20, 100, "after", "before", true};
const struct paging_rules paging_files = {10000, 10000, "after", "before", true};
const struct paging_rules paging_anthropic = {20, 1000, "after_id", "before_id", false};

/* The item at a place of the list as it is given out. */
static size_t item_at(const struct paging_source *from, bool ascending, size_t place)
{
    return ascending ? place : from->count - 1 - place;
}

/* The place of an id, or `count`. */
static size_t place_of(const struct paging_source *from, bool ascending, struct str id)
{
    size_t place = 0;
    while (place < from->count &&
           !str_eq(from->id(from->ctx, item_at(from, ascending, place)), id))
        place++;
    return place;
}

static bool read_limit(struct errand *e, const struct paging_rules *rules, int64_t *limit)
{
    struct str text = target_value(e->to, "limit");
    *limit = rules->usual;
    if (!text.n)
        return true;
    if (str_int(text, false, limit) == SL_OK && *limit >= 1 && *limit <= rules->most)
        return true;
    errand_refuse(e, 400, "limit", "invalid_value",
                  "Invalid 'limit': expected a whole number from 1 to %lld.",
                  (long long)rules->most);
    return false;
}

/* A page that ends before an item begins `limit` listed items earlier. Whether more precede. */
static bool step_back(const struct paging_source *from, bool ascending, int64_t limit,
                      size_t span[2])
{
    size_t place = span[1];
    while (place > span[0]) {
        bool listed = from->id(from->ctx, item_at(from, ascending, place - 1)).n > 0;
        if (listed && limit-- == 0)
            break;
        place--;
    }
    bool more = place > span[0];
    span[0] = place;
    return more;
}

/* Between which places the page lies; false with a refusal. */
static bool find_span(struct errand *e, const struct paging_rules *rules,
                      const struct paging_source *from, bool ascending, size_t span[2])
{
    struct str after = target_value(e->to, rules->after);
    struct str before = target_value(e->to, rules->before);
    span[0] = after.n ? place_of(from, ascending, after) + 1 : 0;
    span[1] = before.n ? place_of(from, ascending, before) : from->count;
    bool lost = span[0] > from->count;
    if (!lost && (!before.n || span[1] < from->count))
        return true;
    errand_refuse(e, 400, lost ? rules->after : rules->before, "invalid_value",
                  "Invalid '%s': no such item.", lost ? rules->after : rules->before);
    return false;
}

void paging_serve(struct errand *e, const struct paging_rules *rules,
                  const struct paging_source *from)
{
    bool ascending = str_eq(target_value(e->to, "order"), STR("asc")), more = false;
    struct str first = {0}, last = {0};
    int64_t left;
    size_t span[2];
    if (!read_limit(e, rules, &left) || !find_span(e, rules, from, ascending, span))
        return;
    bool back = target_value(e->to, rules->before).n > 0;
    bool earlier = back && step_back(from, ascending, left, span);
    buf_puts(e->out, rules->object ? "{\"object\":\"list\",\"data\":[" : "{\"data\":[");
    for (size_t place = span[0]; place < span[1] && !more; place++) {
        size_t item = item_at(from, ascending, place);
        struct str id = from->id(from->ctx, item);
        more = id.n && left == 0;
        if (id.n == 0 || more)
            continue;
        buf_puts(e->out, first.n ? "," : "");
        from->write(from->ctx, item, e->out);
        first = first.n ? first : id;
        last = id;
        left--;
    }
    buf_char(e->out, ']');
    member_text(e->out, "first_id", first);
    member_text(e->out, "last_id", last);
    buf_printf(e->out, ",\"has_more\":%s}", more || earlier ? "true" : "false");
    e->status = 200;
}
