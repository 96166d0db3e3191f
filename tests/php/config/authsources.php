<?php

/* The people of tests/python/saml_idp.py, with a password each. */

$config = [
    'people' => [
        'exampleauth:UserPass',
        'alice:wonderland' => [
            'uid' => ['alice'],
            'mail' => ['alice@example.com'],
            'givenName' => ['Alice'],
            'sn' => ['Ångström 😀'],
            'eduPersonAffiliation' => ['staff', 'member'],
        ],
        'bob:builder' => [
            'uid' => ['bob'],
            'mail' => ['bob@example.com'],
            'givenName' => ['Bob'],
            'sn' => ["O'Neill & Söhne <GmbH>"],
        ],
    ],
];
