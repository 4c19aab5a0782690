import type { DeviceAnswer, ReadingAnswer } from '#api/contract/device.ts';
import { readValue } from '../input.ts';
import type { Session } from '../session.ts';
import type { Screen } from '../view/screen.ts';
import { printable } from '../view/text.ts';
import { ago, deviceValue, localTime } from '../view/values.ts';

const QUALITY_COLOUR = { good: 'green', stale: 'yellow', fault: 'red' } as const;

export async function list({ api, screen, json, io }: Session): Promise<void> {
  const answer = await (await api()).devices();
  if (json) return screen.json(answer);
  screen.table(
    [
      { title: 'DEVICE', min: 16 },
      { title: 'VALUE', align: 'right', min: 8 },
      { title: 'QUALITY', min: 7 },
      { title: 'REPORTED', min: 10, optional: true },
      { title: 'KIND', min: 8, optional: true },
      { title: 'DRIVER', optional: true },
      { title: 'AREA', optional: true },
      { title: 'NAME', optional: true },
    ],
    answer.devices.map((device) => [
      printable(device.id),
      deviceValue(device.reported, device.unit),
      qualityText(device.quality, screen),
      ago(device.reported_at, io.clock.now()),
      device.kind,
      printable(device.driver),
      printable(device.area ?? ''),
      printable(device.name),
    ]),
    'No devices are declared. They stand under hardware.devices in the configuration.',
  );
}

function qualityText(quality: DeviceAnswer['quality'], screen: Screen): string {
  return screen.paint(QUALITY_COLOUR[quality], quality);
}

export async function show({ api, screen, json, io }: Session, id: string): Promise<void> {
  const device = await (await api()).device(id);
  if (json) return screen.json(device);
  const unit = device.unit;
  screen.fields([
    ['device', `${screen.paint('bold', printable(device.id))}  ${printable(device.name)}`],
    ['kind', `${device.kind}, driver ${printable(device.driver)}${device.writable ? '' : ', read only'}`],
    ['area', device.area === null ? undefined : printable(device.area)],
    ['value', `${deviceValue(device.reported, unit)}  ${qualityText(device.quality, screen)}`],
    ['reported', device.reported_at === null ? 'never' : reportedText(device.reported_at, io.clock.now())],
    ['wanted', device.desired === null ? undefined : deviceValue(device.desired, unit)],
    ['safe', device.safe === null ? undefined : deviceValue(device.safe, unit)],
  ]);
}

function reportedText(at: string, now: number): string {
  return `${localTime(at)} (${ago(at, now)})`;
}

export async function read(session: Session, id: string): Promise<void> {
  const api = await session.api();
  printReading(session, await session.progress.during(`reading ${id}`, api.readDevice(id)));
}

export interface WriteOptions {
  /** Milliseconds. */
  readonly pulse?: number;
}

export async function write(
  session: Session,
  id: string,
  text: string,
  options: WriteOptions,
): Promise<void> {
  const api = await session.api();
  const pulse = options.pulse === undefined ? {} : { pulse_for: options.pulse / 1000 };
  const writing = api.writeDevice(id, { value: readValue(text), ...pulse });
  printReading(session, await session.progress.during(`setting ${id}`, writing));
}

export async function simulate(session: Session, id: string, text: string): Promise<void> {
  printReading(session, await (await session.api()).simulate(id, readValue(text)));
}

function printReading({ screen, json }: Session, reading: ReadingAnswer): void {
  if (json) {
    screen.json(reading);
    return;
  }
  const doubt = reading.quality === 'good' ? '' : `  ${qualityText(reading.quality, screen)}`;
  screen.line(`${printable(reading.device)} ${deviceValue(reading.value, reading.unit)}${doubt}`);
}
