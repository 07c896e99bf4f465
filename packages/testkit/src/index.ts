/** Launcher, doubles, vectors and containers for tests. */
export { addMailbox, approveFront, obtainLease, openSession, refusalOf, type AgentSession, type Granted } from './agent.js';
export { handClock, type HandClock } from './clock-file.js';
export {
  addFixture,
  installFixtureKind,
  startWithFixture,
  type Configured,
  type FixtureConfig,
  type FixtureOptions,
} from './fixture-kind.js';
export { startTestInstance, TEST_SECRET, type CommandResult, type InstanceOptions, type Running } from './instance.js';
export {
  GMAIL_CAPABILITIES,
  serveImap,
  startImapDouble,
  type DoubleMessage,
  type DoubleOptions,
  type ImapDouble,
} from './imap-double.js';
export { addLister, installListerKind, type ListedTool } from './lister-kind.js';
export { startLogindDouble, type DoubleSession, type LogindDouble } from './logind-double.js';
export { startDeliveries, type Deliveries } from './deliveries.js';
export { daemonOf, isAlive, memoryHolds, pidsOf, restartWith, until, untilServing, type ProgramName } from './processes.js';
export { HOSTILE_HTTP, type HostileHttp } from './hostile/http.js';
export { startDnsDouble, type DnsDouble, type DnsRecords } from './hostile/dns.js';
export { type Served } from './hostile/server.js';
export { binaryFrame, linesOf, rawExchange, type RawAnswer, type RawOptions } from './raw-wire.js';
export { checkout } from './launcher/layout.js';
export { parseOptions, type LauncherOptions } from './launcher/options.js';
export { startInstance } from './launcher/up.js';
export { SAMPLE_MESSAGES, writeMaildir, type SampleMessage } from './mailbox.js';
export { closeServer, startWeatherDouble, type WeatherDouble } from './weather.js';
export { sit, type Answer, type Sitting } from './sitting.js';
export { codeAt, codeOfStep, decodeBase32 } from './phone.js';
export { certified, type Certified } from './certificate.js';
export { hasAiosmtpd, startAiosmtpd, type AiosmtpdServer } from './aiosmtpd.js';
export {
  serveSmtp,
  startSmtpDouble,
  type SmtpCommand,
  type SmtpDouble,
  type SmtpMessage,
  type SmtpOptions,
} from './smtp-double.js';
export { dovecotBinary, startDovecot, type DovecotServer } from './dovecot.js';
export { drip, flood, type HostileFixture, type HostileKind } from './hostile/fixture.js';
export { HOSTILE_IMAP } from './hostile/imap.js';
export { HOSTILE_MAIL } from './hostile/mime.js';
export { HOSTILE_CALENDAR } from './hostile/calendar.js';
export {
  davAnswer,
  davCalendar,
  davEvent,
  davResponse,
  serveCaldav,
  startCaldavDouble,
  type CaldavAnswer,
  type CaldavDouble,
  type CaldavOptions,
  type CaldavRequest,
} from './caldav-double.js';
export { radicaleBinary, startRadicale, type RadicaleServer } from './radicale.js';
export { serveMcpHosts } from './launcher/mcp-hosts.js';
