// Verifies an ID and an access token with aws-jwt-verify, the way its README says for another issuer:
// the RSA verifier plus the Cognito field rules. Takes JSON {issuer, clientId, idToken, accessToken}.
import { JwtRsaVerifier } from "aws-jwt-verify";
import { validateCognitoJwtFields } from "aws-jwt-verify/cognito-verifier";
import { SimpleJwksCache } from "aws-jwt-verify/jwk";

const { issuer, clientId, idToken, accessToken } = JSON.parse(process.argv[2]);

// The library fetches by HTTPS only; the tests' gateway is plain HTTP on loopback.
const fetcher = { fetch: async (uri) => (await fetch(uri)).arrayBuffer() };

const verifier = (tokenUse, audience) =>
  JwtRsaVerifier.create(
    {
      issuer,
      audience,
      jwksUri: `${issuer}/.well-known/jwks.json`,
      customJwtCheck: ({ payload }) => validateCognitoJwtFields(payload, { tokenUse, clientId }),
    },
    { jwksCache: new SimpleJwksCache({ fetcher }) },
  );

const id = await verifier("id", clientId).verify(idToken);
const access = await verifier("access", null).verify(accessToken);

// An ID token is not an access token: the same rules refuse the swap.
for (const [use, audience, token] of [["access", null, idToken], ["id", clientId, accessToken]]) {
  const swapped = await verifier(use, audience).verify(token).then(() => true, () => false);
  if (swapped) throw new Error(`a token of the other use passed as ${use}`);
}
console.log(JSON.stringify({ id, access }));
