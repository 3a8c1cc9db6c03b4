/* scan.h: where a text splits into pieces before merging: the encodings' patterns, by hand.
 *
 * facts/providers.md 7.2. Every function takes valid UTF-8 and the start of a piece; what
 * stands before it has no influence (no pattern looks behind). */
#ifndef SLUICE_SCAN_H
#define SLUICE_SCAN_H

enum pattern {
    PATTERN_R50K,
    PATTERN_CL100K,
    PATTERN_O200K,
};

/* End of the piece that begins at p; p < end. Time is linear in the text over all pieces. */
const unsigned char *scan_piece(enum pattern pattern, const unsigned char *p,
                                const unsigned char *end);

#endif
