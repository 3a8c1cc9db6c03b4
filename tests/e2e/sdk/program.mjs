// A verb of sluice as a process of its own.
import { spawn } from 'node:child_process';

const sluice = process.env.SLUICE;

export class Program {
    constructor(child, port) {
        this.child = child;
        this.port = port;
    }

    // A verb of sluice on a free port; its first line says which.
    static start(verb, ...options) {
        const child = spawn(sluice, [verb, '--listen', '127.0.0.1:0', ...options],
            { stdio: ['ignore', 'pipe', 'inherit'] });
        return new Promise((resolve, reject) => {
            let text = '';
            child.stdout.on('data', (bytes) => {
                text += bytes;
                const found = /127\.0\.0\.1:(\d+)/.exec(text);
                if (found) resolve(new Program(child, Number(found[1])));
            });
            child.on('exit', (code) => reject(new Error(`sluice ${verb}: exit code ${code}`)));
        });
    }

    async stop() {
        const ended = new Promise((resolve) => this.child.on('exit', resolve));
        this.child.kill('SIGTERM');
        await ended;
    }

    async report() {
        const answer = await fetch(`http://127.0.0.1:${this.port}/_emulator/report`);
        return (await answer.json()).totals;
    }
}
