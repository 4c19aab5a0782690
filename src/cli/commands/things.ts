import { type Define, group } from './invoke.ts';
import { duration } from './values.ts';

const VALUE = 'on, off, true, false, a number or a text';

export const defineDevices: Define = (program, invoke) => {
  const devices = group(program, 'devices', 'sensors and switches: what they report, and setting them');
  const actions = () => import('../actions/devices.ts');
  devices
    .command('list')
    .description('every device with what it last reported')
    .action((_options, command) => invoke(command, async (session) => (await actions()).list(session)));
  devices
    .command('show')
    .description('one device')
    .argument('<device>', 'its id')
    .action((id, _options, command) =>
      invoke(command, async (session) => (await actions()).show(session, id)),
    );
  devices
    .command('read')
    .description('read the real thing now and print the value')
    .argument('<device>', 'its id')
    .action((id, _options, command) =>
      invoke(command, async (session) => (await actions()).read(session, id)),
    );
  devices
    .command('write')
    .description('set a device')
    .argument('<device>', 'its id')
    .argument('<value>', VALUE)
    .option('--pulse <duration>', 'then back to its safe value after this long (500ms, 5s)', duration)
    .action((id, value, options, command) =>
      invoke(command, async (session) => (await actions()).write(session, id, value, options)),
    );
};

export const defineSimulator: Define = (program, invoke) => {
  group(program, 'sim', 'the simulated hardware')
    .command('set')
    .description('set what a simulated sensor sees, or press its button')
    .argument('<device>', 'its id')
    .argument('<value>', VALUE)
    .action((id, value, _options, command) =>
      invoke(command, async (session) =>
        (await import('../actions/devices.ts')).simulate(session, id, value),
      ),
    );
};
