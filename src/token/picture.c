/* picture.c: how large an image is, from the first bytes of its file in base64. A batch holds
 * its images inline, and their price goes by pixels, so the size is read without decoding an
 * image. */
#include "chat.h"

#include <string.h>

/* A file read byte by byte out of its base64, forward only. */
struct base64 {
    struct str text;
    size_t at;     /* in text */
    uint32_t bits; /* the last digits */
    unsigned held; /* how many of those bits are unread */
    bool torn;     /* the text has ended or is not base64 */
};

static int digit_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

static uint32_t read_byte(struct base64 *b)
{
    while (b->held < 8) {
        int digit = b->at < b->text.n ? digit_value((unsigned char)b->text.p[b->at++]) : -1;
        if (digit < 0) {
            b->torn = true;
            return 0;
        }
        b->bits = b->bits << 6 | (uint32_t)digit;
        b->held += 6;
    }
    b->held -= 8;
    return b->bits >> b->held & 0xFF;
}

static uint32_t read_big(struct base64 *b, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | read_byte(b);
    return value;
}

static uint32_t read_little(struct base64 *b, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= read_byte(b) << 8 * i;
    return value;
}

static void pass(struct base64 *b, size_t bytes)
{
    for (size_t i = 0; i < bytes && !b->torn; i++)
        read_byte(b);
}

/* Segments until the frame header, whose markers are C0 to CF but for C4, C8 and CC. */
static void jpeg_size(struct base64 *b, int64_t *width, int64_t *height)
{
    while (!b->torn) {
        uint32_t marker = read_byte(b);
        while (marker == 0xFF && !b->torn)
            marker = read_byte(b);
        if (marker < 0xC0) /* not at a segment: the file is broken */
            b->torn = true;
        uint32_t length = read_big(b, 2);
        if ((marker & 0xF0) == 0xC0 && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
            pass(b, 1); /* precision */
            *height = read_big(b, 2);
            *width = read_big(b, 2);
            return;
        }
        pass(b, length > 2 ? length - 2 : 0);
    }
}

/* After "RIFF", the file's size and "WEBP": one of three forms of image chunk. */
static void webp_size(struct base64 *b, int64_t *width, int64_t *height)
{
    uint32_t form = read_big(b, 4);
    pass(b, 4);               /* the chunk's size */
    if (form == 0x56503820) { /* "VP8 ": frame tag and start code, then 14 bits each */
        pass(b, 6);
        *width = read_little(b, 2) & 0x3FFF;
        *height = read_little(b, 2) & 0x3FFF;
    } else if (form == 0x5650384C) { /* "VP8L": signature, then 14 bits each, less one */
        pass(b, 1);
        uint32_t sides = read_little(b, 4);
        *width = (sides & 0x3FFF) + 1;
        *height = (sides >> 14 & 0x3FFF) + 1;
    } else if (form == 0x56503858) { /* "VP8X": flags, then 24 bits each, less one */
        pass(b, 4);
        *width = (int64_t)read_little(b, 3) + 1;
        *height = (int64_t)read_little(b, 3) + 1;
    }
}

bool image_size(struct str base64, int64_t *width_px, int64_t *height_px)
{
    struct base64 b = {.text = base64};
    int64_t width = 0, height = 0;
    uint32_t magic = read_big(&b, 4);
    if (magic == 0x89504E47) { /* PNG: signature, then IHDR's length and name */
        pass(&b, 12);
        width = read_big(&b, 4);
        height = read_big(&b, 4);
    } else if (magic == 0x47494638) { /* GIF8: "7a" or "9a" */
        pass(&b, 2);
        width = read_little(&b, 2);
        height = read_little(&b, 2);
    } else if (magic >> 8 == 0xFFD8FF) { /* JPEG: the fourth byte is the first marker */
        b.held += 8;
        jpeg_size(&b, &width, &height);
    } else if (magic == 0x52494646) { /* RIFF */
        pass(&b, 4);
        if (read_big(&b, 4) == 0x57454250)
            webp_size(&b, &width, &height);
    }
    if (b.torn || width <= 0 || height <= 0)
        return false;
    *width_px = width;
    *height_px = height;
    return true;
}
