/* standing.c: see standing.h. */
#include "standing.h"

static struct str without(struct str s, const char *mark)
{
    struct str word = str_of(mark);
    if (s.n >= word.n && str_eq_nocase(str_cut(s, word.n), word))
        return str_trim(str_from(s, word.n));
    if (s.n >= word.n && str_eq_nocase(str_from(s, s.n - word.n), word))
        return str_trim(str_cut(s, s.n - word.n));
    return s;
}

enum sl_err standing_paid(struct str text, int64_t *cents, struct diag *diag)
{
    struct str fraction = without(without(str_trim(text), "usd"), "$");
    struct str whole = str_split(&fraction, '.');
    int64_t dollars, rest = 0;
    bool other = whole.n && (whole.p[whole.n - 1] < '0' || whole.p[whole.n - 1] > '9');
    if (other && str_find(whole, STR(" "), 0) < 0 && whole.p[0] >= '0' && whole.p[0] <= '9')
        return diag_set(diag, SL_RANGE, "--paid",
                        "\"%.*s\": tiers ask for US dollars; give what that was, as in 60usd",
                        STR_ARG(text));
    bool wrong = str_int(whole, true, &dollars) != SL_OK || dollars < 0 || fraction.n > 2 ||
                 (fraction.n && str_int(fraction, false, &rest) != SL_OK) || rest < 0 ||
                 dollars > INT64_MAX / 200;
    if (wrong)
        return diag_set(diag, SL_SYNTAX, "--paid",
                        "\"%.*s\" is no amount; write 60usd or 60.50", STR_ARG(text));
    *cents = dollars * 100 + (fraction.n == 1 ? rest * 10 : rest);
    return SL_OK;
}
