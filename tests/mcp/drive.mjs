// Two agents and a person, by the official client of the Model Context Protocol: every tool, every
// resource, bad input, a call that is cancelled, an approval and the hand-over of a file.
// EARSHOT: the program; EARSHOT_HUB: a hub of its own; the argument: an empty directory.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import assert from 'node:assert';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import readline from 'node:readline';
import { promisify } from 'node:util';

const program = process.env.EARSHOT, dir = process.argv[2];
let n = 0;

async function step(what, run) {
    await run();
    console.log(`ok ${++n} - ${what}`);
}

async function agent(name) {
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StdioClientTransport(
        { command: program, args: ['mcp', '--name', name], env: process.env, stderr: 'inherit' }));
    await client.listTools(); // from here on the client checks results against their schemas
    return client;
}

async function use(client, name, args = {}, options) {
    const result = await client.callTool({ name, arguments: args }, undefined, options);
    assert(!result.isError, JSON.stringify(result.content));
    assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
    return result.structuredContent;
}

async function fails(client, name, args, wanted) {
    const result = await client.callTool({ name, arguments: args });
    assert(result.isError, JSON.stringify(result));
    assert.match(result.content[0].text, wanted);
}

const earshot = (...words) => promisify(execFile)(program, words);
const ann = await agent('ann-agent'), bob = await agent('bob-agent');

await step('a message and its inbox', async () => {
    const sent = await use(ann, 'send', { to: 'bob-agent', text: 'hello', title: 'a title', priority: 'high' });
    const { messages, more } = await use(bob, 'inbox');
    assert.equal(messages.length, 1);
    assert.deepEqual([messages[0].id, messages[0].text, messages[0].title, more], [sent.id, 'hello', 'a title', 0]);
    assert.equal((await use(bob, 'inbox')).messages.length, 0);
});

await step('waiting for one', async () => {
    const waits = use(bob, 'wait_for_message', { conversation: 'ann-agent', timeout_seconds: 60 });
    await earshot('--name', 'somebody-else', 'send', 'bob-agent', 'not this');
    await use(ann, 'send', { to: 'bob-agent', text: 'this' });
    assert.deepEqual((await waits).messages.map(m => m.text), ['this']);
    assert.deepEqual((await use(bob, 'inbox')).messages.map(m => m.text), ['not this']);
    assert.deepEqual(await use(bob, 'wait_for_message', { timeout_seconds: 0.2 }), { messages: [], more: 0 });
});

await step('rooms', async () => {
    await use(bob, 'join_room', { room: '#tools' });
    await use(ann, 'send', { to: '#tools', text: 'words in a room' });
    assert.deepEqual((await use(ann, 'rooms')).rooms.map(r => [r.name, r.members]), [['#tools', 1]]);
    assert.equal((await use(bob, 'inbox', { conversation: '#tools' })).messages[0].text, 'words in a room');
    assert.equal((await use(bob, 'history', { conversation: '#tools', limit: 1 })).messages[0].text, 'words in a room');
    assert.equal((await use(bob, 'search', { words: 'room words' })).messages.length, 1);
    await fails(ann, 'history', { conversation: '#nothing' }, /#nothing is no room/);
    await fails(ann, 'leave_room', { room: '#nothing' }, /room/);
});

await step('who is here', async () => {
    const { users } = await use(ann, 'who');
    const own = users.find(u => u.handle === 'ann-agent');
    assert.deepEqual([own.uid, own.state, own.sessions[0].program], [process.getuid(), 'online', 'earshot']);
    assert((await use(ann, 'who', { all: true })).users.some(u => u.handle === 'somebody-else'));
    await fails(ann, 'who', { all: true, room: '#tools' }, /leave out/);
});

await step('an approval: an agent asks a person, and hands a file to the other agent', async () => {
    const person = spawn(program, ['--name', 'carla', 'tail', '--json']);
    const question = new Promise(found => readline.createInterface({ input: person.stdout }).on('line', line => {
        const message = JSON.parse(line);
        if (message.text === 'may I deploy?')
            found(message);
    }));
    while (!(await use(ann, 'who')).users.some(u => u.handle === 'carla'));
    const told = [];
    const asked = use(ann, 'ask_human', { to: 'carla', question: 'may I deploy?' },
        { onprogress: p => told.push(p.message), resetTimeoutOnProgress: true, timeout: 60000 });
    await earshot('--name', 'carla', 'send', 'ann-agent', '--reply-to', (await question).id, 'yes');
    const answer = await asked;
    person.kill();
    assert.deepEqual([answer.answered, answer.answer, answer.message.from], [true, 'yes', 'carla']);
    assert(told.some(t => /the hub has the question/.test(t)), told);
    fs.writeFileSync(`${dir}/plan`, 'a small plan');
    fs.writeFileSync(`${dir}/image`, Buffer.alloc(3 << 20, 7));
    fs.mkdirSync(`${dir}/bob`);
    assert.equal((await use(ann, 'put_file', { to: 'bob-agent', path: `${dir}/plan` })).state, 'stored');
    const taken = use(ann, 'put_file', { to: 'bob-agent', path: `${dir}/image`, wait_seconds: 60 });
    let files = [];
    while (files.length < 2)
        files = (await use(bob, 'get_file')).files;
    assert.deepEqual(files.map(f => [f.name, f.from, f.size]).sort(),
        [['image', 'ann-agent', 3 << 20], ['plan', 'ann-agent', 12]]);
    for (const file of files)
        assert.equal((await use(bob, 'get_file', { id: file.id, dir: `${dir}/bob` })).path, `${dir}/bob/${file.name}`);
    assert.equal((await taken).state, 'taken');
    assert.equal(fs.readFileSync(`${dir}/bob/plan`, 'utf8'), 'a small plan');
    assert(fs.readFileSync(`${dir}/bob/image`).equals(fs.readFileSync(`${dir}/image`)));
    await fails(bob, 'get_file', { id: '01900000-0000-7000-8000-000000000001' }, /no such file/);
    await fails(bob, 'get_file', { id: files[0].id, dir: `${dir}/nowhere` }, /nowhere|no such file/);
    await fails(ann, 'put_file', { to: 'bob-agent', path: `${dir}/nothing` }, /No such file/);
});

await step('an answer that does not come, and a question that is withdrawn', async () => {
    assert.equal((await use(ann, 'ask_human', { to: 'bob-agent', question: '?', timeout_seconds: 0.2 })).answered, false);
    const ends = new AbortController();
    const asked = ann.callTool({ name: 'ask_human', arguments: { to: 'bob-agent', question: '??' } }, undefined,
        { signal: ends.signal, onprogress: () => ends.abort() });
    await assert.rejects(asked);
    await ann.ping();
});

await step('claims', async () => {
    assert.equal((await use(ann, 'claim', { name: 'gpu0', note: 'training' })).held, true);
    const other = await use(bob, 'claim', { name: 'gpu0' });
    assert.deepEqual([other.held, other.holder.handle, other.holder.note], [false, 'ann-agent', 'training']);
    const waits = use(bob, 'claim', { name: 'gpu0', wait_seconds: 60 });
    while ((await use(ann, 'claims')).claims.length < 2);
    await use(ann, 'release', { name: 'gpu0' });
    assert.equal((await waits).held, true);
    await fails(ann, 'release', { name: 'gpu0' }, /not yours/);
    assert.equal((await use(ann, 'claim', { name: 'gpu0', wait_seconds: 0.2 })).held, false);
});

await step('the end of a process', async () => {
    const child = spawn('sleep', ['0.3']);
    const { ended, process: of } = await use(ann, 'when_process_ends', { pid: child.pid });
    assert.deepEqual([ended, of.pid, of.program], [true, child.pid, 'sleep']);
    assert.equal((await use(ann, 'when_process_ends', { pid: process.pid, timeout_seconds: 0.2 })).ended, false);
    await fails(ann, 'when_process_ends', { pid: 4194304 }, /no process/);
});

await step('resources', async () => {
    const uri = 'earshot://conversation/%23tools';
    assert.deepEqual((await ann.listResources()).resources.map(r => r.uri), [uri]);
    assert.equal((await ann.listResourceTemplates()).resourceTemplates.length, 1);
    const read = async () => JSON.parse((await ann.readResource({ uri })).contents[0].text).map(m => m.text);
    assert.deepEqual(await read(), ['words in a room']);
    const updated = new Promise(told => ann.setNotificationHandler(ResourceUpdatedNotificationSchema, note => told(note.params.uri)));
    await ann.subscribeResource({ uri });
    await use(bob, 'send', { to: '#tools', text: 'more' });
    assert.equal(await updated, uri);
    assert.deepEqual(await read(), ['words in a room', 'more']);
    await ann.unsubscribeResource({ uri });
    await use(bob, 'leave_room', { room: '#tools' });
    for (const other of ['earshot://conversation/%23nothing', 'earshot://conversation/', 'file:///etc/passwd'])
        await assert.rejects(ann.readResource({ uri: other }));
    await assert.rejects(ann.subscribeResource({ uri: 'earshot://conversation/%00' }));
});

await step('bad input', async () => {
    await fails(ann, 'send', { to: 'bob-agent' }, /needs "text"/);
    await fails(ann, 'send', { to: 'bob-agent', text: 5 }, /must be of type string/);
    await fails(ann, 'send', { to: 'bob-agent', text: 'x', also: 1 }, /no argument "also"/);
    await fails(ann, 'send', { to: 'nobody-here', text: 'x' }, /nobody's handle/);
    await fails(ann, 'search', { words: '' }, /bytes/);
    await assert.rejects(ann.callTool({ name: 'nothing', arguments: {} }));
});

await ann.close();
await bob.close();
