/** What a session tells its owner without being asked. */
import { EventEmitter } from 'node:events';
import type { AgentNotification } from '@airlock/protocol';
import type { NotificationTable } from '@airlock/ipc';
import type { OpenCalls } from './exchange.js';

type ParamsOf<M extends AgentNotification['method']> = Extract<AgentNotification, { method: M }>['params'];
export type AccessDecided = ParamsOf<'access.decided'>;
export type LeaseExpiring = ParamsOf<'lease.expiring'>;
export type ServicesChanged = ParamsOf<'services.changed'>;
export type ServiceEvent = ParamsOf<'service.event'>;
type CallEvent = ParamsOf<'call.event'>;
export type LeaseEnded = ParamsOf<'lease.ended'>;

export interface SessionEvents {
  'access.decided': [AccessDecided];
  /** 60 s before the end. */
  'lease.expiring': [LeaseExpiring];
  'lease.ended': [LeaseEnded];
  /** The operations of a service are others now, or it came or went. */
  'services.changed': [ServicesChanged];
  /** What a service of a live lease says outside calls. */
  'service.event': [ServiceEvent];
  /** Connected again, the session taken up. */
  reconnected: [];
  /** The tries to connect again are used up; the next call starts anew. */
  lost: [];
  /** The gateway no longer knew the session: a new one was begun, and leases of the old one are lost. */
  replaced: [];
}

export type SessionEmitter = EventEmitter<SessionEvents>;

/** A new emitter; `error` is no event of it, so nothing throws for want of a listener. */
export const sessionEmitter = (): SessionEmitter => new EventEmitter<SessionEvents>();

/** The gateway is the side that decides: its words are passed on as they are, and compared, never executed. */
const anyParams = (): null => null;

/** Passes the gateway's notifications on. */
export const notificationTable = (events: SessionEmitter, calls: OpenCalls): NotificationTable<undefined> => ({
  'call.event': { params: anyParams, handle: (params) => calls.hear(params as CallEvent) },
  'service.event': { params: anyParams, handle: (params) => void events.emit('service.event', params as ServiceEvent) },
  'access.decided': { params: anyParams, handle: (params) => void events.emit('access.decided', params as AccessDecided) },
  'lease.expiring': { params: anyParams, handle: (params) => void events.emit('lease.expiring', params as LeaseExpiring) },
  'services.changed': {
    params: anyParams,
    handle: (params) => void events.emit('services.changed', params as ServicesChanged),
  },
  'lease.ended': { params: anyParams, handle: (params) => void events.emit('lease.ended', params as LeaseEnded) },
});
