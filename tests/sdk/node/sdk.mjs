// The official OpenAI and Anthropic clients for Node against a running service: the shorter sister of ../python/test_sdk.py.
//
//     BASE_URL=http://127.0.0.1:8080 API_KEY=... node tests/sdk/node/sdk.mjs
//
// Exit code 0: all went well; 1: what did not is on standard error.

import assert from "node:assert/strict";
import process from "node:process";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const baseURL = process.env.BASE_URL.replace(/\/$/, "");
const options = { apiKey: process.env.API_KEY ?? "none", maxRetries: 0, timeout: 30_000 };
const openai = new OpenAI({ baseURL: `${baseURL}/v1`, ...options });
const anthropic = new Anthropic({ baseURL, ...options });

const MODELS = ["alpha/cheap", "gamma/dear"];
const QUESTION = "What is 2 + 2?";
const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
  additionalProperties: false,
};
const CALLED_WITH = { city: "Zürich", days: 7 };

const name = (model) => model.split("/")[0];
const right = (model) => `${name(model)} answers « ${QUESTION} » – naïvely, as ever ✓`;
const read = (model) => `${name(model)} read the tools’ results: plan 0 · plan 1`;
const ask = (content) => [{ role: "user", content }];
const say = (model, content = QUESTION) => ({ model, max_tokens: 1000, messages: ask(content) });

const tests = {
  async chat_whole(model) {
    const answer = await openai.chat.completions.create({ model, messages: ask(QUESTION) });
    assert.equal(answer.choices[0].message.content, right(model));
    assert.equal(answer.model, model);
    assert.ok(answer.usage.total_tokens > 0);
  },

  async chat_stream(model) {
    const request = { model, messages: ask(QUESTION), stream: true, stream_options: { include_usage: true } };
    let [text, usage] = ["", null];
    for await (const chunk of await openai.chat.completions.create(request)) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, right(model));
    assert.ok(usage.completion_tokens > 0);
  },

  async chat_tools_loop(model) {
    const tools = [{ type: "function", function: { name: "plan", parameters: SCHEMA } }];
    const messages = ask("Plan both of my trips.");
    const { message } = (await openai.chat.completions.create({ model, messages, tools })).choices[0];
    assert.deepEqual(message.tool_calls.map((call) => JSON.parse(call.function.arguments)), [CALLED_WITH, CALLED_WITH]);
    const results = message.tool_calls.map((call, n) => ({ role: "tool", tool_call_id: call.id, content: `plan ${n}` }));
    const last = await openai.chat.completions.create({ model, messages: [...messages, message, ...results], tools });
    assert.equal(last.choices[0].message.content, read(model));
  },

  async chat_json_schema(model) {
    const response_format = { type: "json_schema", json_schema: { name: "trip", strict: true, schema: SCHEMA } };
    const answer = await openai.chat.completions.parse({ model, messages: ask("Where to?"), response_format });
    assert.deepEqual(JSON.parse(answer.choices[0].message.content), CALLED_WITH);
  },

  async responses_whole(model) {
    const answer = await openai.responses.create({ model, input: QUESTION });
    assert.equal(answer.output_text, right(model));
    assert.equal(answer.status, "completed");
  },

  async responses_stream(model) {
    const stream = openai.responses.stream({ model, input: QUESTION });
    let text = "";
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    assert.equal(text, right(model));
    assert.equal((await stream.finalResponse()).output_text, right(model));
  },

  async responses_tools_loop(model) {
    const tools = [{ type: "function", name: "plan", parameters: SCHEMA, strict: true }];
    const input = ask("Plan both of my trips.");
    const { output } = await openai.responses.create({ model, input, tools });
    const calls = output.filter((item) => item.type === "function_call");
    assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), [CALLED_WITH, CALLED_WITH]);
    const results = calls.map(({ call_id }, n) => ({ type: "function_call_output", call_id, output: `plan ${n}` }));
    const last = await openai.responses.create({ model, input: [...input, ...output, ...results], tools });
    assert.equal(last.output_text, read(model));
  },

  async messages_whole(model) {
    const answer = await anthropic.messages.create({ ...say(model), system: "Be short." });
    assert.equal(answer.content[0].text, right(model));
    assert.deepEqual([answer.model, answer.stop_reason], [model, "end_turn"]);
  },

  async messages_stream(model) {
    let text = "";
    const stream = anthropic.messages.stream(say(model)).on("text", (piece) => (text += piece));
    const final = await stream.finalMessage();
    assert.equal(text, right(model));
    assert.equal(final.content[0].text, right(model));
    assert.ok(final.usage.output_tokens > 0);
  },

  async messages_tools_loop(model) {
    const tools = [{ name: "plan", input_schema: SCHEMA }];
    const request = { ...say(model, "Plan both of my trips."), tools };
    const { content } = await anthropic.messages.stream(request).finalMessage();
    const used = content.filter((block) => block.type === "tool_use");
    assert.deepEqual(used.map((block) => block.input), [CALLED_WITH, CALLED_WITH]);
    const results = used.map(({ id }, n) => ({ type: "tool_result", tool_use_id: id, content: `plan ${n}` }));
    const kept = used.map(({ type, id, name, input }) => ({ type, id, name, input }));
    request.messages.push({ role: "assistant", content: kept }, { role: "user", content: results });
    const last = await anthropic.messages.create(request);
    assert.equal(last.content[0].text, read(model));
  },
};

const once = {
  async embeddings() {
    const answer = await openai.embeddings.create({ model: "alpha/embedder", input: ["a", "b"] });
    assert.deepEqual(answer.data.map((item) => item.embedding.length), [8, 8]);
    assert.equal(answer.data[1].embedding[0], 1);
  },

  async errors_are_typed() {
    const kinds = [["no-such/model", "NotFoundError"], ["limited/model", "RateLimitError"], ["failing/model", "InternalServerError"]];
    for (const [model, kind] of kinds) {
      for (const stream of [false, true]) {
        await assert.rejects(openai.chat.completions.create({ model, messages: ask(QUESTION), stream }), OpenAI[kind]);
        await assert.rejects(openai.responses.create({ model, input: QUESTION, stream }), OpenAI[kind]);
        await assert.rejects(anthropic.messages.create({ ...say(model), stream }), Anthropic[kind]);
      }
    }
    const wrong = { ...options, apiKey: `sat-000000000000-${"0".repeat(48)}` };
    const request = { model: MODELS[0], messages: ask(QUESTION) };
    const stranger = new OpenAI({ baseURL: `${baseURL}/v1`, ...wrong });
    await assert.rejects(stranger.chat.completions.create(request), OpenAI.AuthenticationError);
    await assert.rejects(new Anthropic({ baseURL, ...wrong }).messages.create(say(MODELS[0])), Anthropic.AuthenticationError);
  },

  async a_broken_stream_is_an_error_after_its_beginning() {
    let text = "";
    const listen = async () => {
      const request = { model: "tearing/model", messages: ask(QUESTION), stream: true };
      for await (const chunk of await openai.chat.completions.create(request)) text += chunk.choices[0].delta.content ?? "";
    };
    await assert.rejects(listen(), OpenAI.APIError);
    assert.ok(text && right("tearing/model").startsWith(text), text);
    await assert.rejects(anthropic.messages.stream(say("tearing/model")).finalMessage(), Anthropic.APIError);
  },
};

const all = Object.entries(tests).flatMap(([label, test]) => MODELS.map((model) => [`${label} ${model}`, () => test(model)]));
all.push(...Object.entries(once));
let failed = 0;
for (const [label, test] of all) {
  try {
    await test();
  } catch (error) {
    failed += 1;
    console.error(`--- ${label}\n`, error);
  }
}
console.log(`node ${process.version}: ${all.length - failed} of ${all.length} passed`);
process.exitCode = failed ? 1 : 0;
