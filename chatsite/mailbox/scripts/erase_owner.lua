-- Forgets an owner: the change counter, and the shares in every line.
local owner = ARGV[1]
redis.call('DEL', 'changes:' .. owner, key('seen', owner))
for _, model in ipairs(redis.call('SMEMBERS', MODELS)) do
  for _, share in ipairs({owner, owner .. ':helper'}) do
    redis.call('ZREM', key('tags', model), share)
    redis.call('DEL', queue_of(model, share))
  end
end
return 1
