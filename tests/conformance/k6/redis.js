// Every method of the Redis client, with what it gives where nothing is there, and what rejects its promise.
// @functions k6/experimental/redis.Client
// @functions RedisClient.set RedisClient.get RedisClient.getSet RedisClient.del RedisClient.getDel RedisClient.exists
// @functions RedisClient.incr RedisClient.incrBy RedisClient.decr RedisClient.decrBy RedisClient.randomKey RedisClient.mget
// @functions RedisClient.expire RedisClient.ttl RedisClient.persist RedisClient.sendCommand
// @functions RedisClient.lpush RedisClient.rpush RedisClient.lpop RedisClient.rpop RedisClient.lrange RedisClient.lindex
// @functions RedisClient.lset RedisClient.lrem RedisClient.llen
// @functions RedisClient.hset RedisClient.hsetnx RedisClient.hget RedisClient.hdel RedisClient.hgetall RedisClient.hkeys
// @functions RedisClient.hvals RedisClient.hlen RedisClient.hincrby
// @functions RedisClient.sadd RedisClient.srem RedisClient.sismember RedisClient.smembers RedisClient.srandmember
// @functions RedisClient.spop
// @redis
import redis from 'k6/experimental/redis';
import { show } from './lib/show.js';

const client = new redis.Client(__ENV.REDIS);

// What a promise gives. The server's words are the server's, so that they are compared; the engine's own are not.
async function ask(label, promise) {
  try {
    show(label, await promise);
  } catch (error) {
    const text = String(error);
    console.log(/^(redis: nil|ERR |WRONGTYPE )/.test(text) ? `${label} rejects: ${text}` : `${label} rejects`);
  }
}

export async function setup() {
  await client.sendCommand('FLUSHALL');
  return client.set('from setup', 1);
}

export default async function (data) {
  show('setup', [data, await client.get('from setup')]);
  await client.sendCommand('FLUSHALL');

  await ask('get, nothing there', client.get('none'));
  await ask('randomKey, nothing there', client.randomKey());
  await ask('set', client.set('a', 1));
  await ask('randomKey', client.randomKey());
  await ask('set, boolean', client.set('truth', true));
  await ask('set, float', client.set('half', 1.5));
  await ask('set, large', client.set('large', 1e21));
  await ask('set, for a time', client.set('short', 'x', 100));
  await ask('set, an object', client.set('bad', {}));
  await ask('set, nothing', client.set('bad'));
  await ask('mget', client.mget('a', 'truth', 'half', 'large', 'none'));
  await ask('ttl', client.ttl('short'));
  await ask('ttl, no limit', client.ttl('a'));
  await ask('ttl, nothing there', client.ttl('none'));
  await ask('persist', client.persist('short'));
  await ask('persist, no limit', client.persist('short'));
  await ask('expire', client.expire('short', 50));
  await ask('expire, nothing there', client.expire('none', 50));
  await ask('getSet', client.getSet('a', 'b'));
  await ask('getSet, nothing there', client.getSet('new', 'b'));
  await ask('getDel', client.getDel('new'));
  await ask('getDel, nothing there', client.getDel('new'));
  await ask('exists', client.exists('a', 'truth', 'none'));
  await ask('del', client.del('a', 'truth', 'none'));
  await ask('del, of nothing', client.del());
  await ask('incr', client.incr('n'));
  await ask('incrBy', client.incrBy('n', 10));
  await ask('incrBy, float', client.incrBy('n', 1.7));
  await ask('decr', client.decr('n'));
  await ask('decrBy', client.decrBy('n', 3));
  await ask('incr, no number', client.incr('short'));

  await ask('lpush', client.lpush('list', 1, 'b', true));
  await ask('rpush', client.rpush('list', 'z', 2.5));
  await ask('rpush, of nothing', client.rpush('list'));
  await ask('lrange', client.lrange('list', 0, -1));
  await ask('lrange, nothing there', client.lrange('none', 0, -1));
  await ask('lindex', client.lindex('list', 1));
  await ask('lindex, beyond', client.lindex('list', 99));
  await ask('lset', client.lset('list', 0, 'first'));
  await ask('lset, beyond', client.lset('list', 99, 'x'));
  await ask('lrem', client.lrem('list', 1, 'b'));
  await ask('llen', client.llen('list'));
  await ask('lpop', client.lpop('list'));
  await ask('rpop', client.rpop('list'));
  await ask('lpop, nothing there', client.lpop('none'));
  await ask('get, of a list', client.get('list'));

  await ask('hset', client.hset('hash', 'f', 1));
  await ask('hset, again', client.hset('hash', 'f', 2));
  await ask('hsetnx', client.hsetnx('hash', 'g', 1));
  await ask('hsetnx, again', client.hsetnx('hash', 'g', 2));
  await ask('hget', client.hget('hash', 'f'));
  await ask('hget, nothing there', client.hget('hash', 'none'));
  await ask('hgetall', client.hgetall('hash'));
  await ask('hgetall, nothing there', client.hgetall('none'));
  await ask('hkeys', client.hkeys('hash'));
  await ask('hvals', client.hvals('hash'));
  await ask('hlen', client.hlen('hash'));
  await ask('hincrby', client.hincrby('hash', 'g', 5));
  await ask('hdel', client.hdel('hash', 'f', 'none'));

  await ask('sadd', client.sadd('set', 'm'));
  await ask('sadd, again', client.sadd('set', 'm', 2));
  await ask('srem', client.srem('set', 2, 3));
  await ask('sismember', client.sismember('set', 'm'));
  await ask('sismember, not', client.sismember('set', 'q'));
  await ask('smembers', client.smembers('set'));
  await ask('smembers, nothing there', client.smembers('none'));
  await ask('srandmember', client.srandmember('set'));
  await ask('spop', client.spop('set'));
  await ask('spop, nothing there', client.spop('set'));

  await ask('sendCommand', client.sendCommand('PING'));
  await ask('sendCommand, number', client.sendCommand('STRLEN', 'short'));
  await ask('sendCommand, list', client.sendCommand('MGET', 'short', 'none'));
  await ask('sendCommand, nothing', client.sendCommand('GET', 'none'));
  await ask('sendCommand, unknown', client.sendCommand('NOPE'));
  await ask('all at once', Promise.all([client.incr('n'), client.incr('n'), client.incr('n')]).then((all) => all.sort()));

  for (const options of [undefined, 5, 'http://x', {}, { nonsense: 1 }, { socket: { host: 'h', port: 'x' } }]) {
    try {
      new redis.Client(options);
      show('made of', options);
    } catch (error) {
      console.log(`not made of ${JSON.stringify(options)}`);
    }
  }
  await client.get('nobody handles it');
}
