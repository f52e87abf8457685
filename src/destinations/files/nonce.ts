/** A name that nobody else draws: 96 bits of chance, as 20 characters. */
export function nonce(random: () => number): string {
  let text = ''
  while (text.length < 20)
    text += Math.floor(random() * 36 ** 4)
      .toString(36)
      .padStart(4, '0')
  return text
}
