<?php

/*
 * The identity providers, by the first part of their path. The defaults of SimpleSAMLphp sign both the
 * Response and the Assertion.
 */

use SAML2\Constants;

$variants = [
    // As it comes.
    'plain' => [],
    'assertion' => ['saml20.sign.response' => false],
    'response' => ['saml20.sign.assertion' => false],
    // Takes no AuthnRequest, LogoutRequest or LogoutResponse without a good signature.
    'signed' => ['redirect.validate' => true],
    'signed-post' => ['redirect.validate' => true, 'SingleSignOnServiceBinding' => [Constants::BINDING_HTTP_POST]],
    // AES-128-CBC under RSA-OAEP with SHA-1, inside a signed Response: SimpleSAMLphp knows no other with RSA.
    'encrypted' => ['assertion.encryption' => true],
    // The same with nothing signed outside the ciphertext.
    'sealed' => ['assertion.encryption' => true, 'saml20.sign.response' => false],
    // Only the NameID is encrypted, in a LogoutRequest too.
    'nameid' => ['nameid.encryption' => true],
    // See saml20-sp-remote.php.
    'logout-by-post' => [],
];

$common = [
    'host' => '__DEFAULT__',
    'auth' => 'people',
    'certificate' => 'idp.crt',
    'privatekey' => 'idp.key',
    'SingleSignOnServiceBinding' => [Constants::BINDING_HTTP_REDIRECT, Constants::BINDING_HTTP_POST],
    'SingleLogoutServiceBinding' => [Constants::BINDING_HTTP_REDIRECT, Constants::BINDING_HTTP_POST],
    'NameIDFormat' => Constants::NAMEID_PERSISTENT,
    'authproc' => [
        3 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => Constants::NAMEID_PERSISTENT],
    ],
    'sign.logout' => true,
    'validate.logout' => true,
];

if (defined('VARIANT') && isset($variants[VARIANT])) {
    $entity = "http://{$_SERVER['HTTP_HOST']}/" . VARIANT . '/saml2/idp/metadata.php';
    $metadata[$entity] = $variants[VARIANT] + $common;
}
