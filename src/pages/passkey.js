// What the API calls by text, browsers call by bytes.

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
    char.charCodeAt(0),
  );

const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** ES256, EdDSA and RS256: what the API takes, best known first. */
const ALGORITHMS = [-7, -8, -257].map((alg) => ({ type: 'public-key', alg }));

/** Asks the person for a passkey that answers this challenge. */
export async function answerOf({ challenge, rpId = location.hostname, expiresIn = 300 }) {
  const { rawId, response } = await navigator.credentials.get({
    publicKey: {
      challenge: bytesOf(challenge),
      rpId,
      timeout: expiresIn * 1_000,
      userVerification: 'required',
    },
  });
  const { userHandle } = response;
  return {
    credentialId: textOf(rawId),
    clientDataJson: textOf(response.clientDataJSON),
    authenticatorData: textOf(response.authenticatorData),
    signature: textOf(response.signature),
    ...(userHandle && { userHandle: textOf(userHandle) }),
  };
}

/** Has the person's device make a new one. */
export async function createPasskey(options) {
  const { rawId, response } = await navigator.credentials.create({
    publicKey: {
      challenge: bytesOf(options.challenge),
      rp: { id: options.rpId, name: 'Bulwark' },
      user: {
        id: bytesOf(options.userHandle),
        name: options.userName,
        displayName: options.userName,
      },
      pubKeyCredParams: ALGORITHMS,
      timeout: options.expiresIn * 1_000,
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: options.excludeCredentialIds.map((id) => ({
        type: 'public-key',
        id: bytesOf(id),
      })),
    },
  });
  return {
    credentialId: textOf(rawId),
    clientDataJson: textOf(response.clientDataJSON),
    attestationObject: textOf(response.attestationObject),
  };
}

/** In words: browsers give the same name to many reasons, so that no page learns what devices hold. */
export const reasonOf = (error) =>
  ({
    NotAllowedError: 'No passkey was used. Try again, or choose another way.',
    InvalidStateError: 'This device has a passkey for this account already.',
    TypeError: 'The service cannot be reached; try again.',
  })[error.name] ?? error.message;
