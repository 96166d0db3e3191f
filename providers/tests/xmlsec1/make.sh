#!/bin/sh
# Makes the encrypted parts of this folder with xmlsec1 and openssl, so that nothing of ours has a hand in them.
# Run in this folder; the key is for tests alone.
set -eu
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -subj /CN=test -days 2
openssl pkcs8 -topk8 -nocrypt -in "$work/key.pem" -outform DER -out key.pkcs8
template() {
  cat <<XML
<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="$1"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>
XML
}
for name in aes128-cbc aes256-cbc aes128-gcm aes256-gcm; do
  case $name in
  *cbc) space="http://www.w3.org/2001/04/xmlenc#" ;;
  *) space="http://www.w3.org/2009/xmlenc11#" ;;
  esac
  template "$space$name" >"$work/template.xml"
  xmlsec1 --encrypt --pubkey-cert-pem "$work/cert.pem" --session-key "aes-$(printf %s "$name" | tr -dc 0-9)" \
    --xml-data assertion.xml "$work/template.xml" | grep -v '<?xml' >"$name.xml"
done
# What xmlsec1 1.2 cannot do, RSA-OAEP with SHA-256 for digest and mask, by openssl. The content key is 32 asterisks.
printf '%032d' 0 | tr 0 '*' >"$work/content-key"
openssl pkeyutl -encrypt -certin -inkey "$work/cert.pem" -pkeyopt rsa_padding_mode:oaep \
  -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 -in "$work/content-key" | base64 -w0 >"$work/wrapped"
vector=00112233445566778899aabbccddeeff
{
  printf '%s' "$vector" | xxd -r -p
  openssl enc -aes-256-cbc -K "$(xxd -p -c64 "$work/content-key")" -iv "$vector" -in assertion.xml
} | base64 -w0 >"$work/content"
cat >oaep-sha256.xml <<XML
<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#rsa-oaep"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/></xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>$(cat "$work/wrapped")</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>$(cat "$work/content")</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>
XML
