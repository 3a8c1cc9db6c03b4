/* bounds.h: every limit of our own, with its reason. */
#ifndef SLUICE_BOUNDS_H
#define SLUICE_BOUNDS_H

enum {
    /* JSON nesting: the deepest real tool schema seen has about 20 levels; recursion stays
       small. */
    BOUND_JSON_DEPTH = 128,
    /* Values in one text, each of which costs 80 bytes of tree, and but two of text where it
     * pleases who wrote it. Embeddings of 2,048 inputs in 3,072 dimensions have 6.3 million. */
    BOUND_JSON_VALUES = 8 << 20,
    /* ... in a request that is counted, four of them at once: 160 MB each. Embeddings may still
     * give 2,048 inputs as a thousand tokens each. */
    BOUND_REQUEST_VALUES = 2 << 20,
    /* Budgets that one request draws on at once: RPM, TPM or ITPM+OTPM, RPD, TPD, concurrency,
     * ramp; the design speaks of up to eight. */
    BOUND_BUDGETS = 8,
    /* One line of a batch file or one request body: Anthropic's message limit is 32 MB, a batch
     * line may hold images as base64. */
    BOUND_BODY_BYTES = 64 << 20,
    /* Response body: the largest answers (embeddings of 2,048 inputs, base64 images) stay
       below. */
    BOUND_RESPONSE_BYTES = 128 << 20,
    /* One text for `sluice count`: it is held whole, and its ids are 32 bits wide. */
    BOUND_TEXT_BYTES = 1 << 30,
    /* HTTP header section, both directions: nginx and node use 8 to 16 KB, Azure's answers are
     * the longest seen. */
    BOUND_HEADER_BYTES = 32 << 10,
    BOUND_HEADERS = 128,
    /* The target of a request to our own servers: API paths are short; nginx takes 8 KB. */
    BOUND_TARGET_BYTES = 8 << 10,
    /* A part of a form: curl's longest heads stay below 1 KB; the files API knows four fields.
     */
    BOUND_PART_HEAD_BYTES = 4 << 10,
    BOUND_PARTS = 64,
    /* Tokens that one answer may say it used; more is not believed. The largest windows have
     * ten million. Prices and sums of a million answers keep within 64 bits. */
    BOUND_USAGE_TOKENS = 1 << 27,
    /* One event of a server-sent stream: a final Responses event repeats the whole answer. */
    BOUND_SSE_EVENT_BYTES = 16 << 20,
};

#endif
