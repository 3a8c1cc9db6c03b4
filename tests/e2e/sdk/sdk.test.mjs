// The official SDKs, unmodified, against `sluice serve` before `sluice emulate`. What their users
// see: answers, streams, exceptions of the right class; never a 429.
//
//   SLUICE=build/sluice tests/e2e/sdk/run tests/e2e/sdk/sdk.test.mjs
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { AzureOpenAI } from 'openai';
import { KEY, Program } from './program.mjs';

// An emulated provider and a gateway before it.
async function chain(emulate, serve) {
    const emulator = await Program.start('emulate', ...emulate);
    const gateway = await Program.start('serve', '--base-url', `http://127.0.0.1:${emulator.port}/v1`,
        ...serve);
    return { emulator, gateway, stop: async () => { await gateway.stop(); await emulator.stop(); } };
}

const model = 'gpt-4o';
const messages = [{ role: 'user', content: 'How many sluices does a canal need?' }];

describe('openai', () => {
    let both, client;

    before(async () => {
        both = await chain(['--limits', '*:rpm=6000,tpm=2000000', '--latency', '5ms-20ms'], []);
        client = new OpenAI({
            apiKey: KEY, baseURL: `http://127.0.0.1:${both.gateway.port}/v1`, maxRetries: 0,
        });
    });
    after(() => both.stop());

    it('plain', async () => {
        const answer = await client.chat.completions.create({ model, messages, max_tokens: 30 });
        assert.equal(answer.usage.completion_tokens, 30);
        assert.ok(answer.choices[0].message.content.length > 0);
    });

    it('streamed, with usage at the end', async () => {
        const stream = await client.chat.completions.create({
            model, messages, max_tokens: 30, stream: true, stream_options: { include_usage: true },
        });
        let text = '', usage;
        for await (const chunk of stream) {
            text += chunk.choices[0]?.delta?.content ?? '';
            usage = chunk.usage ?? usage;
        }
        assert.ok(text.length > 0);
        assert.equal(usage.completion_tokens, 30);
    });

    it('streamed, by the helper', async () => {
        const runner = client.beta.chat.completions.stream({ model, messages, max_tokens: 20 });
        const completion = await runner.finalChatCompletion();
        assert.ok(completion.choices[0].message.content.length > 0);
    });

    it('tools and structured output pass', async () => {
        const parameters = {
            type: 'object', properties: { city: { type: 'string', enum: ['Delft', 'Gouda'] } },
            required: ['city'], additionalProperties: false,
        };
        const answer = await client.chat.completions.create({
            model, messages, max_tokens: 30,
            tools: [{ type: 'function', function: { name: 'level', description: 'Water level', parameters } }],
            response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema: parameters } },
        });
        assert.equal(answer.choices.length, 1);
    });

    it('embeddings', async () => {
        const answer = await client.embeddings.create({
            model: 'text-embedding-3-small', input: ['a', 'b'], encoding_format: 'float',
        });
        assert.equal(answer.data.length, 2);
    });

    it('responses, plain and streamed', async () => {
        const whole = await client.responses.create({ model, input: 'hello', max_output_tokens: 30 });
        assert.ok(whole.output_text.length > 0);
        const types = [];
        const stream = await client.responses.create({
            model, input: 'hello', max_output_tokens: 30, stream: true,
        });
        for await (const event of stream) types.push(event.type);
        assert.ok(types.includes('response.output_text.delta'));
        assert.ok(['response.completed', 'response.incomplete'].includes(types.at(-1)));
    });

    it('models', async () => {
        assert.equal((await client.models.list()).object, 'list');
    });

    it('abort in the middle of a stream leaves nothing behind', async () => {
        const stream = await client.chat.completions.create({
            model, messages, max_tokens: 4000, stream: true,
        });
        for await (const chunk of stream) {
            assert.equal(chunk.object, 'chat.completion.chunk');
            break; // the SDK aborts the request
        }
        await client.chat.completions.create({ model, messages, max_tokens: 5 });
    });

    it('errors have their own classes', async () => {
        await assert.rejects(client.chat.completions.create({ model, messages: [], max_tokens: 10 ** 6 }),
            OpenAI.BadRequestError);
        await assert.rejects(client.post('/nothing', { body: {} }), OpenAI.NotFoundError);
    });
});

// Beside an account of OpenAI's, which must not get what is Azure's.
describe('azure', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    let emulator, gateway, client;

    before(async () => {
        emulator = await Program.start('emulate', '--profile', 'azure', '--limits',
            '*:rpm=6000,tpm=2000000', '--latency', '1ms-5ms');
        const file = join(directory, 'sluice.yaml');
        writeFileSync(file, `state: ${directory}
accounts:
  openai: {base_url: 'http://127.0.0.1:1/v1'}
  azure:
    provider: azure
    base_url: 'http://127.0.0.1:${emulator.port}'
    deployments: {gpt-4o: my-gpt}
    limits: {'*': {rpm: 6000, tpm: 2M}}
`);
        gateway = await Program.start('serve', '-c', file);
        client = new AzureOpenAI({ endpoint: `http://127.0.0.1:${gateway.port}`, apiKey: KEY,
            apiVersion: '2024-10-21', maxRetries: 0 });
    });
    after(async () => {
        await gateway.stop();
        await emulator.stop();
        rmSync(directory, { recursive: true });
    });

    it('plain and streamed, by the name of the model or of the deployment', async () => {
        for (const name of ['gpt-4o', 'my-gpt']) {
            const answer = await client.chat.completions.create({ model: name, messages, max_tokens: 9 });
            assert.equal(answer.usage.completion_tokens, 9);
            const stream = await client.chat.completions.create({ model: name, messages, stream: true });
            let chunks = 0;
            for await (const _ of stream) chunks++;
            assert.ok(chunks > 1);
        }
    });

    it('responses, whose body names the deployment', async () => {
        const answer = await client.responses.create({ model: 'gpt-4o', input: 'How many?' });
        assert.equal(answer.model, 'my-gpt');
        assert.ok(answer.output_text.length > 0);
    });

    it('embeddings', async () => {
        const answer = await client.embeddings.create({ model: 'my-embedding', input: 'canal' });
        assert.ok(answer.data[0].embedding.length > 0);
    });

    it('too long for its model is refused here', async () => {
        await assert.rejects(client.chat.completions.create({ model: 'my-gpt', messages,
            max_tokens: 10 ** 6 }), OpenAI.BadRequestError);
    });
});

describe('openai in trouble', () => {
    const failing = async (emulate, serve, check) => {
        const both = await chain(['--latency', '1ms-5ms', ...emulate], serve);
        const client = new OpenAI({
            apiKey: KEY, baseURL: `http://127.0.0.1:${both.gateway.port}/v1`,
        });
        try {
            await check(client, both.emulator);
        } finally {
            await both.stop();
        }
    };
    const ask = (client, options) =>
        client.chat.completions.create({ model, messages, max_tokens: 10 }, options);

    it('a key that is not accepted', () => failing(['--keys', 'right'], [], async (client) => {
        await assert.rejects(ask(client), OpenAI.AuthenticationError);
    }));

    it('an empty wallet is asked once, though the SDK would ask three times', () =>
        failing(['--wallet-after', '0'], [], async (client, emulator) => {
            await assert.rejects(ask(client), (error) =>
                error instanceof OpenAI.RateLimitError && error.code === 'insufficient_quota');
            assert.equal((await emulator.report()).arrivals, 1);
        }));

    it('a server error for good', () => failing(['--fault', '500=100%'], ['--retries', '0'],
        async (client) => {
            await assert.rejects(ask(client, { maxRetries: 0 }), OpenAI.InternalServerError);
        }));

    it('a wait that is too long', () => failing([], ['--limits', '*:rpm=1'], async (client) => {
        await ask(client);
        await assert.rejects(ask(client, { maxRetries: 0, headers: { 'x-sluice-max-wait': '1' } }),
            (error) => error instanceof OpenAI.RateLimitError && Number(error.headers['retry-after']) > 1);
    }));

    it('larger than the limit', () => failing([], ['--limits', '*:tpm=1000'], async (client, emulator) => {
        await assert.rejects(client.chat.completions.create({ model, messages, max_tokens: 5000 }),
            OpenAI.RateLimitError);
        assert.equal((await emulator.report()).arrivals, 0);
    }));
});

describe('anthropic', () => {
    let both, client;
    const claude = 'claude-sonnet-4-6';
    const create = (more) => client.messages.create({ model: claude, messages, max_tokens: 30, ...more });

    before(async () => {
        both = await chain(['--profile', 'anthropic/tier-2', '--latency', '5ms-20ms'],
            ['--provider', 'anthropic', '--tier', '2']);
        client = new Anthropic({
            apiKey: KEY, baseURL: `http://127.0.0.1:${both.gateway.port}`, maxRetries: 0,
        });
    });
    after(() => both.stop());

    it('plain', async () => {
        const answer = await create();
        assert.equal(answer.type, 'message');
        assert.equal(answer.usage.output_tokens, 30);
    });

    it('streamed', async () => {
        const stream = client.messages.stream({ model: claude, messages, max_tokens: 30 });
        const message = await stream.finalMessage();
        assert.equal(message.usage.output_tokens, 30);
        assert.ok(message.content[0].text.length > 0);
    });

    it('tools pass', async () => {
        const answer = await create({
            tools: [{ name: 'level', description: 'Water level', input_schema: { type: 'object', properties: {} } }],
        });
        assert.equal(answer.role, 'assistant');
    });

    it('counting tokens', async () => {
        const answer = await client.messages.countTokens({ model: claude, messages });
        assert.ok(answer.input_tokens > 0);
    });

    it('errors have their own classes', async () => {
        await assert.rejects(client.messages.create({ model: claude, max_tokens: 5 }),
            Anthropic.BadRequestError);
        await assert.rejects(client.post('/v1/nothing', { body: {} }), Anthropic.NotFoundError);
    });
});

describe('200 concurrent calls over a tier-1 budget', () => {
    // tier 1 of gpt-4o in a minute of two seconds: 500 requests, 30,000 tokens; asked are 120,000.
    it('all succeed, none sees a 429, the provider refused none', async () => {
        const minute = ['--minute', '2s', '--window', 'bucket'];
        const both = await chain(
            ['--limits', `${model}:rpm=500,tpm=30000`, '--latency', '20ms-80ms', ...minute],
            ['--limits', `${model}:rpm=500,tpm=30000`, ...minute]);
        let refusals = 0;
        const client = new OpenAI({
            apiKey: KEY, baseURL: `http://127.0.0.1:${both.gateway.port}/v1`,
            fetch: async (...call) => {
                const answer = await fetch(...call);
                refusals += answer.status === 429;
                return answer;
            },
        });
        try {
            const calls = Array.from({ length: 200 }, (_, i) => client.chat.completions.create({
                model, max_tokens: 600, messages: [{ role: 'user', content: `Question ${i}` }],
            }));
            const answers = await Promise.all(calls);
            assert.equal(answers.filter((a) => a.choices[0].message.content.length > 0).length, 200);
            assert.equal(refusals, 0);
            const totals = await both.emulator.report();
            assert.equal(totals.refused, 0);
            assert.equal(totals.answered, 200);
        } finally {
            await both.stop();
        }
    });
});
