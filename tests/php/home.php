<?php

/* Where Debian's SimpleSAMLphp is, where this run keeps what is its own, and the identity provider's key. */

declare(strict_types=1);

// Unpacked by scripts/install-test-tools, or installed.
define('SIMPLESAMLPHP', realpath(dirname(__DIR__) . '/.cache/simplesamlphp') ?: '/usr/share/simplesamlphp');
define('HOME', getenv('SIMPLESAMLPHP_TEST_HOME') ?: throw new RuntimeException('SIMPLESAMLPHP_TEST_HOME is missing'));
putenv('SIMPLESAMLPHP_CONFIG_DIR=' . __DIR__ . '/config');

foreach (['cert', 'data', 'log', 'sessions', 'temp'] as $folder) {
    is_dir(HOME . "/$folder") || mkdir(HOME . "/$folder", 0700, true);
}

if (!is_file(HOME . '/cert/idp.crt')) {
    $key = openssl_pkey_new(['private_key_bits' => 2048, 'private_key_type' => OPENSSL_KEYTYPE_RSA]);
    $request = openssl_csr_new(['commonName' => 'SimpleSAMLphp tests'], $key, ['digest_alg' => 'sha256']);
    $certificate = openssl_csr_sign($request, null, $key, 365, ['digest_alg' => 'sha256']);
    openssl_pkey_export_to_file($key, HOME . '/cert/idp.key');
    openssl_x509_export_to_file($certificate, HOME . '/cert/idp.crt');
}
