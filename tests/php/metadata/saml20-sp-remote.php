<?php

/* The service provider, as trust.php wrote it. */

if (is_file(HOME . '/saml20-sp-remote.php')) {
    require HOME . '/saml20-sp-remote.php';
}
