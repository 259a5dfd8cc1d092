/* Bytes that travel as text in a page of their own. */

/** A plain loop: Uint8Array.from with a function takes so much longer that a page with megabytes stands still. @param {string} text @returns {Uint8Array} */
export function fromBase64(text) {
  const characters = atob(text), bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
