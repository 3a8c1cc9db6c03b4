#include "check.h"
#include "url.h"

static void origins_and_paths_are_read(void **state)
{
    static const struct {
        const char *text;
        bool tls;
        const char *host;
        bool ipv6;
        int port;
        const char *path;
    } rows[] = {
        {"https://api.openai.com/v1", true, "api.openai.com", false, 443, "/v1"},
        {"https://api.openai.com/v1/", true, "api.openai.com", false, 443, "/v1"},
        {"http://127.0.0.1:4291", false, "127.0.0.1", false, 4291, ""},
        {"http://127.0.0.1:4291///", false, "127.0.0.1", false, 4291, ""},
        {"HTTP://Local_host-1", false, "Local_host-1", false, 80, ""},
        {"http://[::1]:8080/a%20b", false, "::1", true, 8080, "/a%20b"},
        {"https://[fe80::1.2.3.4]", true, "fe80::1.2.3.4", true, 443, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url u;
        assert_int_equal(url_parse(str_of(rows[i].text), &u, NULL), SL_OK);
        assert_int_equal(u.tls, rows[i].tls);
        assert_string_equal(u.host, rows[i].host);
        assert_int_equal(u.ipv6, rows[i].ipv6);
        assert_int_equal(u.port, rows[i].port);
        assert_string_equal(u.path, rows[i].path);
    }
}

static void mistakes_are_refused_with_advice(void **state)
{
    static const char *rows[] = {
        "",
        "api.openai.com/v1",
        "ftp://x/",
        "://x",
        "https:/x",
        "https://",
        "https:///v1",
        "https://user:key@x/v1",
        "https://x/v1?api-version=1",
        "https://x/v1#top",
        "https://x?y",
        "https://x:/v1",
        "https://x:0/",
        "https://x:65536/",
        "https://x:-1/",
        "https://x:80a/",
        "https://x:99999999999999999999/",
        "https://a b/",
        "https://x/a b",
        "https://x/\r\nhost: y",
        "https://x\xC3\xA9/",
        "https://[::1",
        "https://[::1]x",
        "https://[::1]:",
        "https://[]/",
        "https://[fe80::1%25eth0]/",
        "https://::1/",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url u;
        struct diag d = {0};
        if (url_parse(str_of(rows[i]), &u, &d) == SL_OK)
            fail_msg("accepted: %s", rows[i]);
        assert_true(d.what[0]);
    }
    struct url u;
    assert_int_equal(url_parse(STR("http://x\0y/"), &u, NULL), SL_SYNTAX);
}

static void long_parts_are_refused(void **state)
{
    struct buf b = {0};
    struct url u;
    buf_puts(&b, "http://");
    for (int i = 0; i < 256; i++)
        buf_char(&b, 'a');
    assert_int_equal(url_parse(buf_str(&b), &u, NULL), SL_SYNTAX);
    buf_clear(&b);
    buf_puts(&b, "http://x/");
    for (int i = 0; i < 511; i++)
        buf_char(&b, 'a');
    assert_int_equal(url_parse(buf_str(&b), &u, NULL), SL_TOO_LARGE);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_and_paths_are_read),
        cmocka_unit_test(mistakes_are_refused_with_advice),
        cmocka_unit_test(long_parts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
