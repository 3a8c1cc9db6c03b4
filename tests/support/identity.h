/* identity.h: certificates made on the spot. An identity is a server's: for 127.0.0.1 and
 * api.test, vouched for by an intermediate whose authority lies in a file of its own; all in a
 * directory that identity_remove takes away. */
#ifndef SLUICE_IDENTITY_H
#define SLUICE_IDENTITY_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct identity {
    char directory[32];
    char chain[64]; /* the certificate and the intermediate's */
    char key[64];
    char authority[64];
};

static inline void identity_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX c;
    X509V3_set_ctx(&c, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &c, nid, value);
    assert_non_null(e);
    X509_add_ext(cert, e, -1);
    X509_EXTENSION_free(e);
}

/* issuer: NULL for one that vouches for itself. */
static inline X509 *identity_certificate(EVP_PKEY *key, const char *name, X509 *issuer,
                                         EVP_PKEY *issuer_key, bool authority)
{
    static long serial = 1;
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
    if (authority)
        identity_extend(cert, issuer ? issuer : cert, NID_basic_constraints,
                        "critical,CA:TRUE");
    else
        identity_extend(cert, issuer, NID_subject_alt_name, "IP:127.0.0.1,DNS:api.test");
    assert_true(X509_sign(cert, issuer ? issuer_key : key, EVP_sha256()) > 0);
    return cert;
}

static inline FILE *identity_file(char *path, size_t size, const char *directory,
                                  const char *name)
{
    snprintf(path, size, "%s/%s", directory, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fchmod(fileno(f), 0600);
    return f;
}

/* password: of the key's file, or NULL. */
static inline void identity_write_key(const char *path, EVP_PKEY *key, const char *password)
{
    FILE *f = fopen(path, "w");
    PEM_write_PKCS8PrivateKey(f, key, password ? EVP_aes_128_cbc() : NULL, password,
                              password ? (int)strlen(password) : 0, NULL, NULL);
    fclose(f);
}

static inline void identity_make(struct identity *id)
{
    strcpy(id->directory, "/tmp/sluice-test-XXXXXX");
    assert_non_null(mkdtemp(id->directory));
    EVP_PKEY *root_key = EVP_EC_gen("P-256"), *middle_key = EVP_EC_gen("P-256"),
             *key = EVP_EC_gen("P-256");
    X509 *root = identity_certificate(root_key, "root", NULL, NULL, true);
    X509 *middle = identity_certificate(middle_key, "middle", root, root_key, true);
    X509 *cert = identity_certificate(key, "test server", middle, middle_key, false);
    FILE *f = identity_file(id->authority, sizeof id->authority, id->directory, "root.pem");
    PEM_write_X509(f, root);
    fclose(f);
    f = identity_file(id->chain, sizeof id->chain, id->directory, "chain.pem");
    PEM_write_X509(f, cert);
    PEM_write_X509(f, middle);
    fclose(f);
    f = identity_file(id->key, sizeof id->key, id->directory, "key.pem");
    fclose(f);
    identity_write_key(id->key, key, NULL);
    X509_free(root);
    X509_free(middle);
    X509_free(cert);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(middle_key);
    EVP_PKEY_free(key);
}

static inline void identity_remove(struct identity *id)
{
    unlink(id->chain);
    unlink(id->key);
    unlink(id->authority);
    assert_int_equal(rmdir(id->directory), 0);
}

#endif
