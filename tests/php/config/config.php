<?php

/* The settings of SimpleSAMLphp that the tests need; everything else is its default. */

$config = [
    'baseurlpath' => 'http://' . ($_SERVER['HTTP_HOST'] ?? 'localhost') . '/' . (defined('VARIANT') ? VARIANT : '') . '/',
    'certdir' => HOME . '/cert/',
    'loggingdir' => HOME . '/log/',
    'datadir' => HOME . '/data/',
    'tempdir' => HOME . '/temp',
    'metadatadir' => dirname(__DIR__) . '/metadata',
    'secretsalt' => 'of no use outside the tests',
    'auth.adminpassword' => 'of no use outside the tests',
    'technicalcontact_email' => 'na@example.org',
    'timezone' => 'UTC',
    'admin.checkforupdates' => false,
    // The address after a logout that starts here is the test's own.
    'trusted.url.domains' => null,
    'showerrors' => true,
    'errorreporting' => false,
    'logging.level' => SimpleSAML\Logger::DEBUG,
    'logging.handler' => 'file',
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'store.type' => 'phpsession',
    'session.phpsession.savepath' => HOME . '/sessions',
    'session.phpsession.cookiename' => 'SimpleSAML',
    'session.cookie.path' => '/' . (defined('VARIANT') ? VARIANT : '') . '/',
    // As its documentation asks for logout by POST: the answer comes from another site.
    // Loopback is as good as HTTPS to browsers, SimpleSAMLphp has to be talked into a Secure cookie there.
    'session.cookie.secure' => false,
    'session.cookie.samesite' => 'None; Secure',
    'metadata.sources' => [['type' => 'flatfile']],
];
