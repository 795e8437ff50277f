-- Forgets an owner: the change counter, and the share in every line.
local owner = ARGV[1]
redis.call('DEL', 'changes:' .. owner)
for _, model in ipairs(redis.call('SMEMBERS', MODELS)) do
  redis.call('ZREM', key('tags', model), owner)
  redis.call('DEL', queue_of(model, owner))
end
return 1
