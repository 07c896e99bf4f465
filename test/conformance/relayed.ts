// The relay over HTTP before the fixture, without anything of Airlock in between.
import { Relay, createRelayServer, type OwnSide } from '@airlock/mcp';
import { systemTimers } from '@airlock/protocol';
import { DirectCalls, type DirectOptions } from './direct-calls.js';
import { serveHttp, type Served } from './fixture/http.js';
import { Fixture, type FixtureOptions } from './fixture/server.js';

const NO_OWN: OwnSide = { definitions: [], run: () => null };

/** @param upstream how the relay's side speaks with the fixture. */
export const serveRelayed = async (
  upstream: DirectOptions['upstream'],
  options: FixtureOptions = {},
  port = 0,
  own: OwnSide = NO_OWN,
): Promise<Served> => {
  const fixture = new Fixture(options);
  const direct = await serveHttp(fixture.create);
  fixture.notifier = direct.notify;
  const calls = await DirectCalls.open({ url: direct.url, upstream });
  const relay = new Relay(calls, own, systemTimers);
  await relay.prepare();
  const factory = () => createRelayServer({ relay, name: 'airlock', version: '0.0.0', instructions: '' });
  const served = await serveHttp(factory, port);
  relay.listen((method) => {
    if (method === 'notifications/prompts/list_changed') served.notify.promptsChanged();
    if (method === 'notifications/resources/list_changed') served.notify.resourcesChanged();
    if (method === 'notifications/tools/list_changed') served.notify.toolsChanged();
  });
  const close = async (): Promise<void> => {
    await served.close();
    await calls.close();
    await direct.close();
  };
  return { ...served, close };
};
