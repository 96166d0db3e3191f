<?php

/*
 * Makes the identity providers know a service provider, as their administrator does: its metadata document
 * goes through SimpleSAMLphp's own converter. Argument: the document's address. Prints what was understood, as JSON.
 */

declare(strict_types=1);

require __DIR__ . '/home.php';
require SIMPLESAMLPHP . '/lib/_autoload.php';

$xml = file_get_contents($argv[1]);
if ($xml === false) {
    fwrite(STDERR, "cannot read {$argv[1]}\n");
    exit(1);
}
SimpleSAML\Utils\XML::checkSAMLMessage($xml, 'saml-meta');
$all = [];
$file = "<?php\n";
foreach (SimpleSAML\Metadata\SAMLParser::parseDescriptorsString($xml) as $entity => $parser) {
    $metadata = $parser->getMetadata20SP();
    if ($metadata !== null) {
        unset($metadata['entityDescriptor'], $metadata['expire']);
        $all[$entity] = $metadata;
        $file .= '$metadata[' . var_export($entity, true) . '] = ' . var_export($metadata, true) . ";\n";
    }
}
file_put_contents(HOME . '/saml20-sp-remote.php.new', $file);
rename(HOME . '/saml20-sp-remote.php.new', HOME . '/saml20-sp-remote.php');
echo json_encode($all, JSON_UNESCAPED_SLASHES), "\n";
