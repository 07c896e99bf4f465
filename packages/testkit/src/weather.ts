/** A double of Open-Meteo: the form of its true answers (api.open-meteo.com/v1/forecast), made up weather. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WeatherDouble {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** Path and query of every request. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

const UNITS: Readonly<Record<string, string>> = {
  temperature_2m: '°C',
  apparent_temperature: '°C',
  precipitation: 'mm',
  precipitation_probability: '%',
  cloud_cover: '%',
  wind_speed_10m: 'km/h',
  wind_gusts_10m: 'km/h',
  weather_code: 'wmo code',
};

/** One value an hour; the probability of rain is not known for the last one, as it happens far ahead. */
const valuesOf = (name: string, hours: number): (number | null)[] =>
  Array.from({ length: hours }, (_, index) => {
    if (name === 'precipitation_probability' && index === hours - 1) return null;
    return name === 'weather_code' ? 61 : Math.round((index + name.length) * 7) / 10;
  });

const forecast = (url: URL): { readonly status: number; readonly body: object } => {
  const [latitude, longitude] = [Number(url.searchParams.get('latitude')), Number(url.searchParams.get('longitude'))];
  if (Math.abs(latitude) > 90) {
    return { status: 400, body: { error: true, reason: `Latitude must be in range of -90 to 90°. Given: ${latitude}.` } };
  }
  const hours = Number(url.searchParams.get('forecast_hours') ?? 168);
  const names = (url.searchParams.get('hourly') ?? '').split(',').filter((name) => name in UNITS);
  const time = Array.from({ length: hours }, (_, index) =>
    new Date(Date.UTC(2026, 10, 20, 13 + index)).toISOString().slice(0, 16),
  );
  return {
    status: 200,
    body: {
      latitude: Math.round(latitude * 50) / 50,
      longitude: Math.round(longitude * 50) / 50,
      generationtime_ms: 0.0640153884887695,
      utc_offset_seconds: 0,
      timezone: 'GMT',
      timezone_abbreviation: 'GMT',
      elevation: 38,
      hourly_units: { time: 'iso8601', ...Object.fromEntries(names.map((name) => [name, UNITS[name]])) },
      hourly: { time, ...Object.fromEntries(names.map((name) => [name, valuesOf(name, hours)])) },
    },
  };
};

/** Ends the listener and whatever is connected to it. */
export const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** Listens on a free port of 127.0.0.1. */
export const startWeatherDouble = async (): Promise<WeatherDouble> => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const url = new URL(request.url ?? '/', 'http://double');
    const { status, body } =
      url.pathname === '/v1/forecast' ? forecast(url) : { status: 404, body: { error: true, reason: 'Not Found' } };
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, asked, close: () => closeServer(server) };
};
