// The official SDKs, unmodified, against `sluice emulate` itself: files, batches, message batches,
// threads and runs, as their users call them.
//
//   SLUICE=build/sluice tests/e2e/sdk/run tests/e2e/sdk/emulate.test.mjs
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { toFile } from 'openai';
import { KEY, Program } from './program.mjs';

const model = 'gpt-4o', claude = 'claude-sonnet-4-5';
const endpoint = '/v1/chat/completions';

function line(custom_id, body = {}) {
    return JSON.stringify({
        custom_id, method: 'POST', url: endpoint,
        body: { model, max_tokens: 9, messages: [{ role: 'user', content: custom_id }], ...body },
    });
}

// Asks until the answer satisfies; each question is a request of its own.
async function poll(ask, satisfies) {
    for (;;) {
        const answer = await ask();
        if (satisfies(answer)) return answer;
    }
}

describe('openai: files and batches', () => {
    let emulator, client;

    before(async () => {
        emulator = await Program.start('emulate', '--batch-latency', '50ms-100ms', '--batch-cancel',
            '10ms', '--latency', '1ms');
        client = new OpenAI({
            apiKey: KEY, baseURL: `http://127.0.0.1:${emulator.port}/v1`, maxRetries: 0,
        });
    });
    after(() => emulator.stop());

    const upload = async (text) => client.files.create({
        file: await toFile(Buffer.from(text), 'jobs.jsonl'), purpose: 'batch',
    });

    async function create(text) {
        const file = await upload(text);
        return client.batches.create({
            input_file_id: file.id, endpoint, completion_window: '24h', metadata: { job: '7' },
        });
    }

    const ended = (id) => poll(() => client.batches.retrieve(id), (batch) =>
        ['completed', 'failed', 'expired', 'cancelled'].includes(batch.status));

    it('a file is created, read, listed, waited for and deleted', async () => {
        const text = `${line('a')}\n${line('b')}\n`;
        const file = await upload(text);
        assert.equal(file.object, 'file');
        assert.equal(file.purpose, 'batch');
        assert.equal(file.filename, 'jobs.jsonl');
        assert.equal(file.bytes, Buffer.byteLength(text));
        assert.equal((await client.files.retrieve(file.id)).id, file.id);
        assert.equal((await client.files.waitForProcessing(file.id)).status, 'processed');
        assert.equal(await (await client.files.content(file.id)).text(), text);
        const ids = [];
        for await (const one of client.files.list({ limit: 1, purpose: 'batch' })) ids.push(one.id);
        assert.ok(ids.includes(file.id));
        assert.equal((await client.files.del(file.id)).deleted, true);
        await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
        await assert.rejects(upload('{'), OpenAI.BadRequestError);
    });

    it('a batch comes to its end, and its output names every request', async () => {
        const names = Array.from({ length: 50 }, (_, i) => `request-${i}`);
        const batch = await create(names.map((name) => line(name)).join('\n'));
        assert.equal(batch.object, 'batch');
        assert.equal(batch.status, 'validating');
        assert.deepEqual(batch.metadata, { job: '7' });
        const done = await ended(batch.id);
        assert.equal(done.status, 'completed');
        assert.deepEqual(done.request_counts, { total: 50, completed: 50, failed: 0 });
        assert.ok(done.in_progress_at >= done.created_at);
        assert.ok(done.completed_at >= done.finalizing_at);
        const output = await (await client.files.content(done.output_file_id)).text();
        const rows = output.trimEnd().split('\n').map((row) => JSON.parse(row));
        assert.deepEqual(rows.map((row) => row.custom_id).sort(), names.sort());
        for (const row of rows) {
            assert.equal(row.response.status_code, 200);
            assert.equal(row.response.body.choices[0].message.role, 'assistant');
        }
        await assert.rejects(client.batches.cancel(batch.id), OpenAI.ConflictError);
    });

    it('a bad file fails with line and code', async () => {
        const failed = await ended((await create(`${line('a')}\n${line('a')}\n`)).id);
        assert.equal(failed.status, 'failed');
        assert.equal(failed.errors.data[0].code, 'duplicate_custom_id');
        assert.equal(failed.errors.data[0].line, 2);
    });

    it('pages of batches', async () => {
        const made = [];
        for (let i = 0; i < 3; i++) made.push((await create(line('a'))).id);
        const listed = [];
        for await (const batch of client.batches.list({ limit: 2 })) listed.push(batch.id);
        assert.deepEqual(listed.slice(0, 3), made.reverse());
        await assert.rejects(client.batches.retrieve('batch_none'), OpenAI.NotFoundError);
    });

    it('a batch is cancelled', async () => {
        const slow = await Program.start('emulate', '--batch-latency', '1h', '--batch-cancel', '10ms');
        try {
            const own = new OpenAI({
                apiKey: KEY, baseURL: `http://127.0.0.1:${slow.port}/v1`, maxRetries: 0,
            });
            const file = await own.files.create({
                file: await toFile(Buffer.from(line('a')), 'jobs.jsonl'), purpose: 'batch',
            });
            const { id } = await own.batches.create({
                input_file_id: file.id, endpoint, completion_window: '24h',
            });
            assert.equal((await own.batches.cancel(id)).status, 'cancelling');
            const done = await poll(() => own.batches.retrieve(id),
                (batch) => batch.status !== 'cancelling');
            assert.equal(done.status, 'cancelled');
        } finally {
            await slow.stop();
        }
    });
});

describe('anthropic: message batches', () => {
    let emulator, client;
    const params = { model: claude, max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] };

    before(async () => {
        emulator = await Program.start('emulate', '--profile', 'anthropic/tier-4',
            '--batch-latency', '50ms-100ms', '--batch-cancel', '10ms');
        client = new Anthropic({
            apiKey: KEY, baseURL: `http://127.0.0.1:${emulator.port}`, maxRetries: 0,
        });
    });
    after(() => emulator.stop());

    it('from creation to results', async () => {
        const requests = Array.from({ length: 40 }, (_, i) => ({ custom_id: `r-${i}`, params }));
        const batch = await client.messages.batches.create({ requests });
        assert.equal(batch.type, 'message_batch');
        assert.equal(batch.request_counts.processing, 40);
        assert.equal(batch.results_url, null);
        await assert.rejects(client.messages.batches.results(batch.id), /finished processing/);
        const done = await poll(() => client.messages.batches.retrieve(batch.id),
            (one) => one.processing_status === 'ended');
        assert.equal(done.request_counts.succeeded, 40);
        assert.ok(Date.parse(done.expires_at) - Date.parse(done.created_at) === 86400000);
        const names = [];
        for await (const { custom_id, result } of await client.messages.batches.results(batch.id)) {
            names.push(custom_id);
            assert.equal(result.type, 'succeeded');
            assert.equal(result.message.model, claude);
        }
        assert.deepEqual(names.sort(), requests.map((one) => one.custom_id).sort());
        assert.notDeepEqual(names, requests.map((one) => one.custom_id));
        const gone = await client.messages.batches.delete(batch.id);
        assert.equal(gone.type, 'message_batch_deleted');
        await assert.rejects(client.messages.batches.retrieve(batch.id), Anthropic.NotFoundError);
    });

    it('pages, cancellation, errors', async () => {
        const made = [];
        for (let i = 0; i < 3; i++) {
            made.push((await client.messages.batches.create({
                requests: [{ custom_id: 'a', params }],
            })).id);
        }
        const listed = [];
        for await (const batch of client.messages.batches.list({ limit: 2 })) listed.push(batch.id);
        assert.deepEqual(listed, made.reverse());
        await assert.rejects(client.messages.batches.create({ requests: [] }),
            Anthropic.BadRequestError);
        await assert.rejects(client.messages.batches.create({
            requests: [{ custom_id: 'a'.repeat(65), params }],
        }), /at most 64 characters/);
        const { id } = await client.messages.batches.create({
            requests: [{ custom_id: 'a', params }],
        });
        assert.equal((await client.messages.batches.cancel(id)).processing_status, 'canceling');
        const done = await poll(() => client.messages.batches.retrieve(id),
            (one) => one.processing_status === 'ended');
        assert.equal(done.request_counts.canceled, 1);
    });

    it('tokens are counted under a limit of their own', async () => {
        const { input_tokens } = await client.messages.countTokens({
            model: claude, messages: params.messages,
        });
        assert.equal(input_tokens, 2);
    });
});

describe('openai: threads and runs', () => {
    let emulator, client;

    before(async () => {
        emulator = await Program.start('emulate', '--profile', 'openai/tier-1', '--run-latency',
            '20ms-40ms', '--minute', '10h', '--no-drain');
        client = new OpenAI({
            apiKey: KEY, baseURL: `http://127.0.0.1:${emulator.port}/v1`, maxRetries: 0,
        });
    });
    after(() => emulator.stop());

    const assistant_id = 'asst_any';

    it('create and poll', async () => {
        const thread = await client.beta.threads.create({ metadata: { a: 'b' } });
        await client.beta.threads.messages.create(thread.id, { role: 'user', content: 'hello' });
        const run = await client.beta.threads.runs.createAndPoll(thread.id,
            { assistant_id, model }, { pollIntervalMs: 5 });
        assert.equal(run.status, 'completed');
        assert.ok(run.usage.completion_tokens > 0);
        const { data } = await client.beta.threads.messages.list(thread.id);
        assert.deepEqual(data.map((message) => message.role), ['assistant', 'user']);
        assert.ok(data[0].content[0].text.value.length > 0);
        assert.equal((await client.beta.threads.runs.list(thread.id)).data[0].id, run.id);
        assert.equal((await client.beta.threads.retrieve(thread.id)).metadata.a, 'b');
        assert.equal((await client.beta.threads.del(thread.id)).deleted, true);
        await assert.rejects(client.beta.threads.retrieve(thread.id), OpenAI.NotFoundError);
    });

    it('a refusal of the model shows in last_error', async () => {
        const run = await client.beta.threads.createAndRunPoll({
            assistant_id, model, max_completion_tokens: 30001,
            thread: { messages: [{ role: 'user', content: 'hello' }] },
        }, { pollIntervalMs: 5 });
        assert.equal(run.status, 'failed');
        assert.equal(run.last_error.code, 'rate_limit_exceeded');
        assert.match(run.last_error.message, /Request too large for gpt-4o/);
    });

    it('runs have a limit of their own: 200 a minute for all threads', async () => {
        let refused = 0, told = 0;
        await Promise.all(Array.from({ length: 230 }, () => client.beta.threads.createAndRun({
            assistant_id, model, thread: {},
        }).catch((error) => {
            assert.ok(error instanceof OpenAI.RateLimitError);
            assert.equal(error.type, 'invalid_request_error');
            assert.equal(error.code, 'rate_limit_exceeded');
            refused++;
            told += error.headers['retry-after'] !== undefined;
        })));
        // two were made before; the next is let in after three minutes of this minute
        assert.equal(refused, 32);
        assert.equal(told, 0);
        assert.equal((await client.beta.threads.create()).object, 'thread');
    });
});
