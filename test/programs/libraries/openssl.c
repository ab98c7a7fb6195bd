// OpenSSL from its archives: providers and their constructors, assembly chosen by the processor, threads, a TLS handshake in memory, errors by number.
// compile: gcc -O2 {-fPIE,-fno-pic,-mcmodel=large}
// compile: clang-22 -O2 -fPIE
// inputs: openssl.o lib:libssl.a lib:libcrypto.a -ldl -pthread
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void print(const char *what, const unsigned char *bytes, unsigned size) {
  printf("%s ", what);
  for (unsigned i = 0; i < size; i++) printf("%02x", bytes[i]);
  putchar('\n');
}

static void *digest(void *name) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_DigestInit_ex2(context, md, NULL);
  for (int i = 0; i < 5000; i++) EVP_DigestUpdate(context, "abcdefghijklmnopqrstuvwxyz", 26);
  EVP_DigestFinal(context, out, &size);
  EVP_MD_CTX_free(context);
  EVP_MD_free(md);
  return (void *)(long)(out[0] << 8 | out[size - 1]);
}

static void encrypt(const char *name) {
  static const unsigned char key[32] = {1}, nonce[16] = {2};
  unsigned char out[64], tag[16] = {0};
  int size, rest;
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex2(context, cipher, key, nonce, NULL);
  EVP_EncryptUpdate(context, out, &size, (const unsigned char *)"some words to hide", 18);
  EVP_EncryptFinal_ex(context, out + size, &rest);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag);
  print(name, out, size + rest);
  print("tag", tag, 16);
  EVP_CIPHER_CTX_free(context);
  EVP_CIPHER_free(cipher);
}

static void handshake(void) {
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
  X509 *certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX *contexts[2] = {SSL_CTX_new(TLS_server_method()), SSL_CTX_new(TLS_client_method())};
  SSL_CTX_use_certificate(contexts[0], certificate);
  SSL_CTX_use_PrivateKey(contexts[0], key);
  SSL *server = SSL_new(contexts[0]), *client = SSL_new(contexts[1]);
  BIO *ends[2];
  BIO_new_bio_pair(&ends[0], 0, &ends[1], 0);
  SSL_set_bio(server, ends[0], ends[0]);
  SSL_set_bio(client, ends[1], ends[1]);
  SSL_set_accept_state(server);
  SSL_set_connect_state(client);
  for (int i = 0; i < 10; i++) {
    SSL_do_handshake(client);
    SSL_do_handshake(server);
  }
  char text[16] = "";
  SSL_write(client, "over TLS", 9);
  SSL_read(server, text, sizeof text);
  printf("%s %s: %s\n", SSL_get_version(client), SSL_get_cipher(client), text);
}

int main(void) {
  const char *names[] = {"SHA256", "SHA512", "SHA3-256", "BLAKE2b-512"};
  pthread_t threads[4];
  void *result;
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, digest, (void *)names[i]);
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], &result);
    printf("%s %lx\n", names[i], (long)result);
  }
  encrypt("AES-256-GCM");
  encrypt("ChaCha20-Poly1305");
  handshake();
  EVP_PKEY *rsa = EVP_RSA_gen(1024);
  printf("%d\n", EVP_PKEY_get_bits(rsa));
  ERR_clear_error();
  EVP_MD_fetch(NULL, "no such digest", NULL);
  printf("%s\n", ERR_reason_error_string(ERR_peek_error()));
  return 0;
}
