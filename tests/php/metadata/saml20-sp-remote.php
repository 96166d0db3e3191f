<?php

/* The service provider, as trust.php wrote it. */

use SAML2\Constants;

if (is_file(HOME . '/saml20-sp-remote.php')) {
    require HOME . '/saml20-sp-remote.php';
}

// SimpleSAMLphp signs out by HTTP-Redirect wherever it may: here it may not.
if (defined('VARIANT') && VARIANT === 'logout-by-post') {
    foreach ($metadata as &$service_provider) {
        $service_provider['SingleLogoutService'] = array_values(array_filter(
            $service_provider['SingleLogoutService'],
            fn ($service) => $service['Binding'] === Constants::BINDING_HTTP_POST
        ));
    }
    unset($service_provider);
}
