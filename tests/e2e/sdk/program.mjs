// A verb of sluice as a process of its own.
import { spawn } from 'node:child_process';

const sluice = process.env.SLUICE;

// What callers show and accounts hold; it must not stand in anything that comes out.
export const KEY = 'sk-sentinel-7d1a';

export class Program {
    constructor(child, port, said) {
        this.child = child;
        this.port = port;
        this.said = said;
    }

    // A verb of sluice on a free port; its first line says which.
    static start(verb, ...options) {
        const child = spawn(sluice, [verb, '--listen', '127.0.0.1:0', ...options], {
            stdio: ['ignore', 'pipe', 'pipe'],
            env: { ...process.env, OPENAI_API_KEY: KEY, ANTHROPIC_API_KEY: KEY },
        });
        const said = { out: '', err: '' };
        child.stderr.on('data', (bytes) => {
            said.err += bytes;
            process.stderr.write(bytes);
        });
        return new Promise((resolve, reject) => {
            child.stdout.on('data', (bytes) => {
                said.out += bytes;
                const found = /127\.0\.0\.1:(\d+)/.exec(said.out);
                if (found) resolve(new Program(child, Number(found[1]), said));
            });
            child.on('exit', (code) => reject(new Error(`sluice ${verb}: exit code ${code}`)));
        });
    }

    async stop() {
        const ended = new Promise((resolve) => this.child.on('close', resolve));
        this.child.kill('SIGTERM');
        await ended;
        if ((this.said.out + this.said.err).includes(KEY)) throw new Error('a key came out');
    }

    async report() {
        const answer = await fetch(`http://127.0.0.1:${this.port}/_emulator/report`);
        return (await answer.json()).totals;
    }
}
