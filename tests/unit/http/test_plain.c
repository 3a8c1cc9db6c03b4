#include "check.h"
#include "plain.h"

/* Every byte at every place of a text whose length is not a multiple of anything. */
static void each_byte_is_judged_wherever_it_stands(void **state)
{
    enum { LENGTH = 21 };
    for (int byte = 0; byte < 256; byte++) {
        bool plain = byte == '\t' || (byte >= ' ' && byte != 0x7F);
        for (size_t at = 0; at < LENGTH; at++) {
            char text[LENGTH];
            memset(text, at % 2 ? 'a' : '\xFF', sizeof text);
            text[at] = (char)byte;
            size_t n = plain_ahead((struct str){text, sizeof text});
            assert_int_equal(n, plain ? LENGTH : at);
        }
    }
    assert_int_equal(plain_ahead((struct str){0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_judged_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
