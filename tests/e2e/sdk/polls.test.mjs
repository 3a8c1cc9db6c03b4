// The official SDK's polls through `sluice serve` before `sluice emulate`: a crowd asks how a few
// runs and a batch stand, more often than the account may ask in a minute. Nobody is refused.
//
//   SLUICE=build/sluice tests/e2e/sdk/run tests/e2e/sdk/polls.test.mjs
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { KEY, Program } from './program.mjs';

const GETS_A_MINUTE = 1000; // of the class assistants-get, by the catalogue
const PACE_S = 1; // the gateway's own, unless told

const RUNS = 5, CALLERS = 40, ASKS = 30; // of each caller, besides its poll
const model = 'gpt-4o', assistant_id = 'asst_any';

describe('openai: polls of a crowd', () => {
    let emulator, gateway, client, plain, gets = 0; // client's GETs

    before(async () => {
        emulator = await Program.start('emulate', '--profile', 'openai/tier-1', '--run-latency',
            '1500ms-2500ms', '--batch-latency', '1500ms');
        gateway = await Program.start('serve', '--base-url',
            `http://127.0.0.1:${emulator.port}/v1`, '--provider', 'openai');
        const options = {
            apiKey: KEY, baseURL: `http://127.0.0.1:${gateway.port}/v1`, maxRetries: 0,
        };
        plain = new OpenAI(options);
        client = new OpenAI({
            ...options, fetch: (url, init) => {
                gets += init.method.toUpperCase() === 'GET';
                return fetch(url, init);
            },
        });
    });
    after(async () => { await gateway.stop(); await emulator.stop(); });

    async function routes() {
        const answer = await fetch(`http://127.0.0.1:${emulator.port}/_emulator/report`);
        const report = await answer.json();
        return Object.fromEntries(report.routes.map((route) => [route.class, route]));
    }

    it('runs: all are answered, few ask upstream', async () => {
        const started = performance.now();
        const runs = await Promise.all(Array.from({ length: RUNS }, async () => {
            const thread = await client.beta.threads.create();
            await client.beta.threads.messages.create(thread.id, { role: 'user', content: 'Hi' });
            return client.beta.threads.runs.create(thread.id, { assistant_id, model });
        }));
        const ends = await Promise.all(runs.flatMap((run) => Array.from({ length: CALLERS },
            async () => {
                for (let i = 0; i < ASKS; i++) {
                    const seen = await client.beta.threads.runs.retrieve(run.thread_id, run.id);
                    assert.equal(seen.id, run.id);
                }
                return client.beta.threads.runs.poll(run.thread_id, run.id,
                    { pollIntervalMs: 100 });
            })));
        const took_s = (performance.now() - started) / 1000;
        assert.deepEqual(new Set(ends.map((run) => run.status)), new Set(['completed']));
        assert.equal(new Set(ends.map((run) => run.id)).size, RUNS);

        const { 'assistants-get': up, ...others } = await routes();
        for (const route of [up, ...Object.values(others)]) assert.equal(route.refused, 0);
        assert.ok(gets >= RUNS * CALLERS * ASKS && gets > 5 * GETS_A_MINUTE);
        // of each run at most one at a time, and none before the last is as old as the pace
        assert.ok(up.arrivals <= RUNS * (took_s / PACE_S + 2), `${up.arrivals} in ${took_s} s`);
        console.log(`${gets} GETs of ${RUNS * CALLERS} callers, ${up.arrivals} upstream`);
    });

    it('a run that is streamed is left alone', async () => {
        const thread = await client.beta.threads.create();
        const run = await client.beta.threads.runs.create(thread.id, { assistant_id, model });
        const before_ = (await routes())['assistants-get'].arrivals;
        const ask = () => client.get(`/threads/${thread.id}/runs/${run.id}`,
            { headers: { accept: 'text/event-stream' } });
        await Promise.all([ask(), ask(), ask()]);
        assert.equal((await routes())['assistants-get'].arrivals - before_, 3);
    });

    it('a cancelled run is seen to be so at once', async () => {
        const thread = await client.beta.threads.create();
        const run = await client.beta.threads.runs.create(thread.id, { assistant_id, model });
        await client.beta.threads.runs.retrieve(thread.id, run.id);
        const { status } = await client.beta.threads.runs.cancel(thread.id, run.id);
        assert.match(status, /cancel/);
        const after_ = await client.beta.threads.runs.retrieve(thread.id, run.id);
        assert.match(after_.status, /cancel/);
    });

    it('a batch', async () => {
        const line = JSON.stringify({
            custom_id: 'a', method: 'POST', url: '/v1/chat/completions',
            body: { model, max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] },
        });
        const file = await plain.files.create({
            file: await toFile(Buffer.from(line + '\n'), 'a.jsonl'), purpose: 'batch',
        });
        const batch = await client.batches.create({
            input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h',
        });
        const ends = await Promise.all(Array.from({ length: CALLERS }, async () => {
            for (;;) {
                const { status } = await client.batches.retrieve(batch.id);
                if (status === 'completed') return status;
                assert.match(status, /validating|in_progress|finalizing/);
            }
        }));
        assert.equal(ends.length, CALLERS);
    });
});
