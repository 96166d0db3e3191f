<?php

/*
 * SimpleSAMLphp as identity provider, served by `php -S HOST:PORT tests/php/router.php`.
 *
 * One process serves several identity providers, each below its own path (see metadata/saml20-idp-hosted.php):
 * /plain/saml2/idp/metadata.php and so on. The code is Debian's package, untouched; this file only finds it.
 * SIMPLESAMLPHP_TEST_HOME names the folder of everything private: keys, sessions, logs, the service provider.
 */

declare(strict_types=1);

require __DIR__ . '/home.php';

[, $variant, $script] = explode('/', (string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), 3) + ['', '', ''];
if (!preg_match('/^[a-z0-9-]+$/', $variant)) {
    http_response_code(404);
    return true;
}
define('VARIANT', $variant);

// What a web server's PATH_INFO does for /module.php/core/loginuserpass.php.
$path_info = '';
if (preg_match('#^(module\.php)(/.*)$#', $script, $parts)) {
    [, $script, $path_info] = $parts;
}
$file = realpath(SIMPLESAMLPHP . '/www/' . $script);
if ($file === false || !is_file($file) || !str_starts_with($file, SIMPLESAMLPHP . '/www/')) {
    http_response_code(404);
    return true;
}
if (!str_ends_with($file, '.php')) {
    // The script that posts its forms, and what makes its pages look well.
    $types = ['js' => 'text/javascript', 'css' => 'text/css', 'svg' => 'image/svg+xml', 'png' => 'image/png'];
    header('Content-Type: ' . ($types[pathinfo($file, PATHINFO_EXTENSION)] ?? 'application/octet-stream'));
    readfile($file);
    return true;
}
$_SERVER['SCRIPT_FILENAME'] = $file;
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = "/$variant/$script";
if ($path_info !== '') {
    $_SERVER['PATH_INFO'] = $path_info;
    $_SERVER['PHP_SELF'] .= $path_info;
}
chdir(dirname($file));
require $file;
