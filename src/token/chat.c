/* chat.c: framing, tools, images and Claude, as rules with numbers (facts/providers.md 7.5 to
 * 7.7). Where a rule is an estimate it errs on the high side: what is reserved too much comes
 * back, what is reserved too little ends in a refusal. */
#include "chat.h"

#define TOOL_PARTS .properties = 3, .property = 3, .enums = -3, .enum_item = 3, .tools_end = 12

static const struct chat_cost cost_gpt_4o = {
    .message = 3, .name = 1, .reply = 3, .tool = 7, TOOL_PARTS};
static const struct chat_cost cost_gpt_4 = {
    .message = 3, .name = 1, .reply = 3, .tool = 10, TOOL_PARTS};
static const struct chat_cost cost_gpt_35_0301 = {
    .message = 4, .name = -1, .reply = 3, .tool = 10, TOOL_PARTS};

static bool begins_with_one_of(struct str model, const char *const *prefixes)
{
    for (; *prefixes; prefixes++) {
        if (str_starts(model, str_of(*prefixes)))
            return true;
    }
    return false;
}

const struct chat_cost *chat_cost_of(struct str model)
{
    static const char *const gpt_4[] = {"gpt-3.5", "gpt-35", "gpt-4-", "ft:gpt-3.5", NULL};
    if (str_eq(model, STR("gpt-3.5-turbo-0301")))
        return &cost_gpt_35_0301;
    if (str_eq(model, STR("gpt-4")) || begins_with_one_of(model, gpt_4))
        return &cost_gpt_4;
    return &cost_gpt_4o;
}

/* ---- tools --------------------------------------------------------------------------- */

static int64_t line_tokens(const struct encoding *e, const struct str *parts, size_t n)
{
    struct buf line = {0};
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_char(&line, ':');
        buf_add(&line, parts[i]);
    }
    struct str text = buf_str(&line);
    if (parts[n - 1].n > 0 && str_ends(text, STR(".")))
        text = str_cut(text, text.n - 1);
    int64_t tokens = (int64_t)token_count(e, text);
    buf_free(&line);
    return tokens;
}

int64_t chat_tool(const struct encoding *e, const struct chat_cost *c, struct str name,
                  struct str description)
{
    return c->tool + line_tokens(e, (struct str[]){name, description}, 2);
}

int64_t chat_property(const struct encoding *e, const struct chat_cost *c, struct str name,
                      struct str type, struct str description)
{
    return c->property + line_tokens(e, (struct str[]){name, type, description}, 3);
}

int64_t chat_enum_item(const struct encoding *e, const struct chat_cost *c, struct str item)
{
    return c->enum_item + (int64_t)token_count(e, item);
}

/* ---- images -------------------------------------------------------------------------- */

enum image_detail image_detail_named(struct str name)
{
    if (str_eq(name, STR("low")))
        return IMAGE_LOW;
    return str_eq(name, STR("high")) ? IMAGE_HIGH : IMAGE_AUTO;
}

/* The longest prefix stands first. Tiles have a base; patches have a factor in hundredths. */
static const struct image_rule {
    const char *model;
    int64_t base, tile;
    int64_t patch_percent;
} image_rules[] = {
    {"gpt-4o-mini", 2833, 5667, 0},
    {"gpt-4.1-mini", 0, 0, 162},
    {"gpt-4.1-nano", 0, 0, 246},
    {"gpt-5-mini", 0, 0, 162},
    {"gpt-5-nano", 0, 0, 246},
    {"o4-mini", 0, 0, 172},
    {"gpt-5", 70, 140, 0},
    {"o1", 75, 150, 0},
    {"o3", 75, 150, 0},
    {"", 85, 170, 0}, /* gpt-4o, 4.1, 4.5, and what is not known */
};

enum {
    TILE_FIT_PX = 2048,  /* an image is first fitted into a square of this side */
    TILE_SHORT_PX = 768, /* then its short side is brought down to this */
    TILE_PX = 512,
    PATCH_PX = 32,
    PATCHES_MOST = 1536,
    CLAUDE_LONG_PX = 1568,
    CLAUDE_MOST_PX = 1190000, /* about 1.19 megapixels */
    CLAUDE_PX_PER_TOKEN = 750,
    IMAGE_MOST_PX = 1 << 24, /* bound of our own on a side, so that products stay in 64 bits */
};

static int64_t div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t tiles_of(int64_t width, int64_t height)
{
    int64_t longer = width > height ? width : height, shorter = width + height - longer;
    int64_t fit = longer > TILE_FIT_PX ? longer : TILE_FIT_PX; /* scale is TILE_FIT_PX / fit */
    if (shorter * TILE_FIT_PX > TILE_SHORT_PX * fit)
        return div_up(longer * TILE_SHORT_PX, shorter * TILE_PX) *
               div_up(TILE_SHORT_PX, TILE_PX);
    return div_up(longer * TILE_FIT_PX, fit * TILE_PX) *
           div_up(shorter * TILE_FIT_PX, fit * TILE_PX);
}

static int64_t claude_image(int64_t width, int64_t height)
{
    int64_t longer = width > height ? width : height;
    if (longer > CLAUDE_LONG_PX) {
        width = div_up(width * CLAUDE_LONG_PX, longer);
        height = div_up(height * CLAUDE_LONG_PX, longer);
    }
    int64_t pixels = width * height;
    return div_up(pixels < CLAUDE_MOST_PX ? pixels : CLAUDE_MOST_PX, CLAUDE_PX_PER_TOKEN);
}

int64_t image_tokens(struct str model, enum image_detail detail, int64_t width_px,
                     int64_t height_px)
{
    bool known = width_px > 0 && height_px > 0;
    int64_t width = width_px < IMAGE_MOST_PX ? width_px : IMAGE_MOST_PX;
    int64_t height = height_px < IMAGE_MOST_PX ? height_px : IMAGE_MOST_PX;
    if (str_starts(model, STR("claude")))
        return known ? claude_image(width, height)
                     : div_up(CLAUDE_MOST_PX, CLAUDE_PX_PER_TOKEN);

    const struct image_rule *rule = image_rules;
    while (!str_starts(model, str_of(rule->model)))
        rule++;
    if (rule->patch_percent) {
        int64_t patches = div_up(width, PATCH_PX) * div_up(height, PATCH_PX);
        if (!known || patches > PATCHES_MOST)
            patches = PATCHES_MOST;
        return div_up(patches * rule->patch_percent, 100);
    }
    if (detail == IMAGE_LOW)
        return rule->base;
    /* the most tiles: a long strip with its short side at 768 */
    int64_t tiles = known ? tiles_of(width, height)
                          : (TILE_FIT_PX / TILE_PX) * div_up(TILE_SHORT_PX, TILE_PX);
    return rule->base + rule->tile * tiles;
}

/* ---- Claude -------------------------------------------------------------------------- */

static int64_t characters(struct str text)
{
    int64_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    return n;
}

/* Claude 4.7 and later, and families named after them: "claude-opus-4-7", "claude-sonnet-5". */
static bool claude_newer_tokens(struct str model)
{
    struct str families[] = {STR("claude-opus-"), STR("claude-sonnet-"), STR("claude-haiku-"),
                             STR("claude-")};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (!str_starts(model, families[i]))
            continue;
        struct str rest = str_from(model, families[i].n);
        struct str major = str_split(&rest, '-'), minor = str_split(&rest, '-');
        int64_t major_n = 0, minor_n = 0;
        if (str_int(major, false, &major_n) != SL_OK)
            return false;
        if (major.n > 2 || minor.n > 2 || str_int(minor, false, &minor_n) != SL_OK)
            minor_n = 0; /* a date, as in claude-opus-4-20250514 */
        return major_n > 4 || (major_n == 4 && minor_n >= 7);
    }
    return false;
}

int64_t claude_tokens(struct str model, struct str text)
{
    int64_t tokens = div_up(characters(text) * 2, 7);
    return claude_newer_tokens(model) ? div_up(tokens * 13, 10) : tokens;
}
