/* Both sides of TLS, joined in memory: no sockets. */
#include "check.h"
#include "tls.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "identity.h"

static struct identity identity;

static int make_identity(void **state)
{
    identity_make(&identity);
    return 0;
}

static int remove_identity(void **state)
{
    identity_remove(&identity);
    return 0;
}

struct pair {
    struct tls *client, *server;
};

static void pass(struct tls *from, struct tls *to)
{
    struct buf bytes = {0};
    tls_take(from, &bytes);
    assert_int_equal(tls_due(from), 0);
    tls_feed(to, buf_str(&bytes));
    buf_free(&bytes);
}

static struct url url_of(const char *text)
{
    struct url u;
    assert_int_equal(url_parse(str_of(text), &u, NULL), SL_OK);
    return u;
}

static struct tls_context *server_context(void)
{
    struct tls_context *t;
    struct diag d = {0};
    struct tls_files files = {identity.chain, identity.key};
    if (tls_context_new_server(&files, &t, &d) != SL_OK)
        fail_msg("%s: %s", d.where, d.what);
    return t;
}

static struct tls_context *client_context(void)
{
    struct tls_context *t;
    assert_int_equal(tls_context_new(identity.authority, &t, NULL), SL_OK);
    return t;
}

static void shake_hands(struct pair *p)
{
    bool client = false, server = false;
    for (int i = 0; i < 10 && !(client && server); i++) {
        assert_int_equal(tls_handshake(p->client, &client), SL_OK);
        pass(p->client, p->server);
        assert_int_equal(tls_handshake(p->server, &server), SL_OK);
        pass(p->server, p->client);
    }
    assert_true(client && server);
}

/* Everything that is there to be read. */
static bool read_all(struct tls *t, struct buf *out)
{
    char bytes[1000];
    for (;;) {
        size_t n;
        bool eof;
        assert_int_equal(tls_read(t, bytes, sizeof bytes, &n, &eof), SL_OK);
        if (eof || n == 0)
            return eof;
        buf_add(out, (struct str){bytes, n});
    }
}

static void text_passes_both_ways_and_ends_with_a_notice(void **state)
{
    enum { BIG = 1 << 20 };
    struct tls_context *cc = client_context(), *sc = server_context();
    struct url url = url_of("https://127.0.0.1");
    struct pair p = {tls_new(cc, &url), tls_new_server(sc)};
    struct buf big = {0}, got = {0};
    shake_hands(&p);
    tls_context_free(&sc); /* its connections go on */
    for (int i = 0; i < BIG; i++)
        buf_char(&big, (char)('a' + i % 23));
    assert_int_equal(tls_write(p.client, STR("question")), SL_OK);
    pass(p.client, p.server);
    assert_false(read_all(p.server, &got));
    assert_string_equal(buf_cstr(&got), "question");
    buf_clear(&got);
    assert_int_equal(tls_write(p.server, buf_str(&big)), SL_OK);
    assert_int_equal(tls_write(p.server, (struct str){0}), SL_OK);
    assert_true(tls_due(p.server) > BIG);
    tls_end(p.server);
    pass(p.server, p.client);
    assert_true(read_all(p.client, &got));
    assert_true(str_eq(buf_str(&got), buf_str(&big)));
    tls_end(p.client);
    pass(p.client, p.server);
    assert_true(read_all(p.server, &got));
    buf_free(&big);
    buf_free(&got);
    tls_free(&p.client);
    tls_free(&p.server);
    tls_context_free(&cc);
}

static void bytes_may_come_one_by_one(void **state)
{
    struct tls_context *cc = client_context(), *sc = server_context();
    struct url url = url_of("https://127.0.0.1");
    struct pair p = {tls_new(cc, &url), tls_new_server(sc)};
    struct buf bytes = {0}, got = {0};
    shake_hands(&p);
    assert_int_equal(tls_write(p.client, STR("drop by drop")), SL_OK);
    buf_puts(&bytes, "");
    tls_take(p.client, &bytes);
    for (size_t i = 0; i < bytes.n; i++) {
        assert_int_equal(got.n, 0);
        tls_feed(p.server, (struct str){bytes.p + i, 1});
        assert_false(read_all(p.server, &got));
    }
    assert_string_equal(buf_cstr(&got), "drop by drop");
    /* what is taken follows what is there */
    buf_clear(&bytes);
    buf_puts(&bytes, "x");
    assert_int_equal(tls_write(p.server, STR("y")), SL_OK);
    tls_take(p.server, &bytes);
    assert_true(bytes.n > 1 && bytes.p[0] == 'x');
    buf_free(&bytes);
    buf_free(&got);
    tls_free(&p.client);
    tls_free(&p.server);
    tls_context_free(&cc);
    tls_context_free(&sc);
}

/* A client by hand, for what ours would never ask. */
static SSL *raw_client(SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    return ssl;
}

static void pass_raw(SSL *client, struct tls *server, bool *done, enum sl_err *err)
{
    struct buf due = {0};
    char bytes[4096];
    SSL_do_handshake(client);
    for (int n; (n = BIO_read(SSL_get_wbio(client), bytes, sizeof bytes)) > 0;)
        tls_feed(server, (struct str){bytes, (size_t)n});
    *err = tls_handshake(server, done);
    tls_take(server, &due);
    BIO_write(SSL_get_rbio(client), due.p, (int)due.n);
    buf_free(&due);
}

static void clients_are_taken_or_told_why_not(void **state)
{
    static const struct {
        int version; /* the highest the client speaks */
        const char *alpn;
        const char *why; /* NULL: taken */
    } rows[] = {
        {TLS1_3_VERSION, NULL, NULL},
        {TLS1_2_VERSION, NULL, NULL},
        {TLS1_3_VERSION, "\x02h2\x08http/1.1", NULL},
        {TLS1_2_VERSION, "\x08http/1.1", NULL},
        {TLS1_1_VERSION, NULL, "unsupported protocol"},
        {TLS1_3_VERSION, "\x02h2", "no application protocol"},
        {TLS1_2_VERSION, "\x02h2\x08http/1.0", "no application protocol"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_context *sc = server_context();
        struct tls *server = tls_new_server(sc);
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_security_level(ctx, 0);
        SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(ctx, rows[i].version);
        const char *alpn = rows[i].alpn ? rows[i].alpn : "";
        SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)alpn, (unsigned)strlen(alpn));
        SSL *client = raw_client(ctx);
        bool done = false;
        enum sl_err err = SL_OK;
        for (int round = 0; round < 10 && !done && !err; round++)
            pass_raw(client, server, &done, &err);
        assert_int_equal(err, rows[i].why ? SL_TLS : SL_OK);
        assert_int_equal(done, !rows[i].why);
        if (rows[i].why)
            assert_non_null(strstr(tls_why(server), rows[i].why));
        const unsigned char *chosen;
        unsigned n;
        SSL_do_handshake(client);
        SSL_get0_alpn_selected(client, &chosen, &n);
        assert_int_equal(n, rows[i].alpn && !rows[i].why ? 8 : 0);
        SSL_free(client);
        SSL_CTX_free(ctx);
        tls_free(&server);
        tls_context_free(&sc);
    }
}

static void a_ticket_is_taken_by_the_context_that_gave_it(void **state)
{
    struct tls_context *cc = client_context(), *sc = server_context();
    struct url url = url_of("https://127.0.0.1");
    for (int i = 0; i < 4; i++) {
        struct pair p = {tls_new(cc, &url), tls_new_server(sc)};
        struct buf none = {0};
        shake_hands(&p);
        read_all(p.client, &none); /* the tickets */
        assert_int_equal(none.n, 0);
        assert_int_equal(tls_resumed(p.server), i == 1 || i == 3);
        tls_free(&p.client);
        tls_free(&p.server);
        if (i == 1) {
            tls_context_free(&sc);
            sc = server_context();
        }
    }
    tls_context_free(&cc);
    tls_context_free(&sc);
}

static void garbage_is_an_error_and_an_alert(void **state)
{
    struct tls_context *sc = server_context();
    struct tls *t = tls_new_server(sc);
    bool done;
    assert_int_equal(tls_handshake(t, &done), SL_OK);
    assert_false(done);
    tls_feed(t, STR("\x16\x03\x01\x00\x05garbage garbage"));
    assert_int_equal(tls_handshake(t, &done), SL_TLS);
    assert_true(tls_why(t)[0]);
    struct buf alert = {0};
    tls_take(t, &alert);
    assert_true(str_starts(buf_str(&alert), STR("\x15\x03")));
    buf_free(&alert);
    tls_free(&t);
    tls_context_free(&sc);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fchmod(fileno(f), mode);
    fclose(f);
}

static void files_that_do_not_fit_are_told(void **state)
{
    struct identity other;
    char locked[64], empty[64], missing[64];
    identity_make(&other);
    snprintf(locked, sizeof locked, "%s/locked.pem", other.directory);
    snprintf(empty, sizeof empty, "%s/empty.pem", other.directory);
    snprintf(missing, sizeof missing, "%s/missing.pem", other.directory);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    identity_write_key(locked, key, "secret");
    EVP_PKEY_free(key);
    write_file(empty, "", 0600);
    const struct {
        const char *certificate, *key, *where, *what;
        enum sl_err err;
    } rows[] = {
        {missing, identity.key, missing, "No such file", SL_IO},
        {identity.chain, missing, missing, "No such file", SL_IO},
        {other.directory, identity.key, other.directory, "no certificate chain", SL_TLS},
        {empty, identity.key, empty, "no certificate chain", SL_TLS},
        {identity.key, identity.key, identity.key, "no certificate chain", SL_TLS},
        {identity.chain, empty, empty, "no key", SL_TLS},
        {identity.chain, identity.chain, identity.chain, "no key", SL_TLS},
        {identity.chain, other.key, other.key, "key values mismatch", SL_TLS},
        {identity.chain, locked, locked, "without a password", SL_TLS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_context *t = NULL;
        struct tls_files files = {rows[i].certificate, rows[i].key};
        struct diag d = {0};
        assert_int_equal(tls_context_new_server(&files, &t, &d), rows[i].err);
        assert_string_equal(d.where, rows[i].where);
        if (!strstr(d.what, rows[i].what))
            fail_msg("row %zu: %s", i, d.what);
        assert_null(t);
    }
    unlink(locked);
    unlink(empty);
    identity_remove(&other);
}

static void a_key_that_others_can_read_is_told(void **state)
{
    bool root = geteuid() == 0; /* and the key is root's */
    const struct {
        mode_t mode;
        bool warned;
    } rows[] = {{0600, false}, {0400, false}, {0640, !root}, {0660, true}, {0644, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(chmod(identity.key, rows[i].mode), 0);
        struct tls_context *t = server_context();
        assert_int_equal(tls_context_warning(t)[0] != 0, rows[i].warned);
        if (rows[i].warned)
            assert_non_null(strstr(tls_context_warning(t), identity.key));
        tls_context_free(&t);
    }
    assert_int_equal(chmod(identity.key, 0600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_passes_both_ways_and_ends_with_a_notice),
        cmocka_unit_test(bytes_may_come_one_by_one),
        cmocka_unit_test(clients_are_taken_or_told_why_not),
        cmocka_unit_test(a_ticket_is_taken_by_the_context_that_gave_it),
        cmocka_unit_test(garbage_is_an_error_and_an_alert),
        cmocka_unit_test(files_that_do_not_fit_are_told),
        cmocka_unit_test(a_key_that_others_can_read_is_told),
    };
    return cmocka_run_group_tests(tests, make_identity, remove_identity);
}
