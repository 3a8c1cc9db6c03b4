/* credentials.c: see credentials.h. */
#include "credentials.h"

#include <string.h>

void credentials_set(struct credentials *c, const struct provider *p, const struct str *keys,
                     size_t n)
{
    sl_assert(n <= CREDENTIALS_MAX);
    credentials_wipe(c);
    c->name = str_of(p->key_header);
    for (; c->n < n; c->n++)
        buf_printf(&c->list[c->n].value, "%s%.*s", p->key_prefix, STR_ARG(keys[c->n]));
}

void credentials_wipe(struct credentials *c)
{
    for (size_t i = 0; i < c->n; i++) {
        explicit_bzero(c->list[i].value.p, c->list[i].value.cap);
        buf_free(&c->list[i].value);
    }
    *c = (struct credentials){.n = 0};
}

size_t credentials_refused(const struct credentials *c)
{
    size_t refused = 0;
    for (size_t i = 0; i < c->n; i++)
        refused += c->list[i].refused;
    return refused;
}

size_t credentials_next(struct credentials *c)
{
    bool any = credentials_refused(c) == c->n; /* all are: one is as good as another */
    size_t i = c->next;
    while (c->list[i % c->n].refused && !any)
        i++;
    c->next = (i + 1) % c->n;
    return i % c->n;
}

struct header credentials_header(const struct credentials *c, size_t i)
{
    return (struct header){c->name, buf_str(&c->list[i].value)};
}

bool credentials_hear(struct credentials *c, size_t i, bool refused)
{
    if (i >= c->n) /* sent before the keys were replaced */
        return false;
    c->list[i].refused = refused;
    return refused && credentials_refused(c) < c->n;
}
