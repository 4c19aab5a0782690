import type { CloudEventAnswer } from '#api/contract/event.ts';

/** The first `count` events of a stream. */
export async function readEvents(answer: Response, count: number): Promise<CloudEventAnswer[]> {
  let text = '';
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const found = [...text.matchAll(/^data: (.+)$/gm)].map((match) => JSON.parse(match[1] as string));
    if (found.length >= count) return found.slice(0, count) as CloudEventAnswer[];
  }
  throw new Error('the stream ended');
}
